"""A small AIMS: subscribes to the devices, stores what they tell in PostgreSQL, and acknowledges what is committed."""

"""What is told over MQTT, and how."""

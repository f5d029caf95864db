"""Files for the programs around the agent."""

"""Keys, certificates and passwords of this device: read, checked, made. What is secret is read by its owner only."""

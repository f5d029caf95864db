"""The way to an MQTT broker, whoever goes it: where it is, TLS and its troubles, proxies, and one paho client made for us."""

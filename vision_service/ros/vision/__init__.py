"""The vision node: a vision model behind services and topics, for any number of cameras."""

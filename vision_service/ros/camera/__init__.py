"""The camera node: a driver's frames as topics, and on request."""

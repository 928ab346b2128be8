"""Zones: areas and lines in a camera's images, what is in them, and who enters, leaves or crosses them."""

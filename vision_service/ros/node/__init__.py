"""The base of our nodes: lifecycle, services that always answer, and what a node says of itself."""

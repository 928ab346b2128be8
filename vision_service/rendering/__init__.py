"""A rendered world of which all is known: the driver `synthetic`, training data and tests see it; nothing else does."""

"""Those whom we are compared with, each written as its own documentation shows it."""

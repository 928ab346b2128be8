"""What is on the graph and on this host, and what is wrong with it."""

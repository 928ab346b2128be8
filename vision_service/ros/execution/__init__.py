"""The executor of our nodes, and the coroutines that it runs: service calls that wait without holding it up."""

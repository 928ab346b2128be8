"""Services of others: found, and called from any thread."""

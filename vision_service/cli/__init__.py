"""The `vision-service` command."""

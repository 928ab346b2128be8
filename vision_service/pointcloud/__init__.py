"""Point clouds: files, projection."""

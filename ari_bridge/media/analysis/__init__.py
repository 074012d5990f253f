"""What is found out about the callers' audio beside the media tick, over all rows at once."""

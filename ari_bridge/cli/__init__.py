"""Row 6: the command line."""

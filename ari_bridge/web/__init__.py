"""Row 6: the HTTP faces."""

"""Row 3: what is kept of a call."""

"""Row 3: engines behind the protocols of `base`, one vendor or engine a file, by kind."""

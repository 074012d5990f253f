"""Row 3: one vendor or engine a file, behind the protocols of `base`."""

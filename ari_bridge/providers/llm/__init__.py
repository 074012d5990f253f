"""Language models: one vendor or engine a file."""

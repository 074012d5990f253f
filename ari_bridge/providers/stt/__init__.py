"""Recognisers: one vendor or engine a file."""

"""Voices: one vendor or engine a file."""

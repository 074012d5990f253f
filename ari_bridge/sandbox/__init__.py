"""Beside the house: a private Asterisk on loopback and a synthetic caller, for demo, tests and benchmarks."""

"""`ari-bridge providers`: which engines there are, which are configured, and how quick one of them is."""

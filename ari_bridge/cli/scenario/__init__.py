"""`ari-bridge scenario`: agents rehearsed with synthetic callers."""

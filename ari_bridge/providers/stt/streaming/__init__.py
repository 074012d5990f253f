"""What recognisers by a stream share: each vendor is a dialect, one driver leads the conversation."""

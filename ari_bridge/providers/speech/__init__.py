"""Models that hear and speak themselves, and bots behind a media protocol: one a file."""

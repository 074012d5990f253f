"""Row 1: what every other folder may lean on. Imports nothing of the product but itself."""

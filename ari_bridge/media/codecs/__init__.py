"""One codec a file, each declaring itself in a `CODEC` record."""

"""Several engines in the place of one."""

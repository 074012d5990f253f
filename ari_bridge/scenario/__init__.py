"""Row 5: rehearsed calls. The caller follows a YAML file; then it is looked at what came of it."""

"""Row 3: call control as data, one verb a file, offered to agents as tools."""

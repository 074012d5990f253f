"""Row 3: Asterisk's REST interface: calls come in, are bridged with their media, and leave."""

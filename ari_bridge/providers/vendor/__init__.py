"""What clients of vendors share: keys, HTTP, WebSockets, second tries."""

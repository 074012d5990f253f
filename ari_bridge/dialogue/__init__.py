"""Row 2: who speaks, what was said and what was heard. No I/O, no asyncio; time is an argument."""

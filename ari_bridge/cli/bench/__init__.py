"""`ari-bridge bench`: what a call costs and how late its audio is, measured over real UDP on loopback.

    load process (a socket a call) ──UDP──▶ engine ──▶ its reader, which plays back what it hears
             ▲                                │
             └───────────── UDP ──────────────┘      every frame carries a number, every time is the kernel's

frames, schedule and figures are pure; ledger is the memory in which the load process writes down every
packet; load, rows_engine and simple_engine are processes; media and pacing are the two measurements.
"""

"""A client of the Model Context Protocol, as much of it as tools need.

Source: the specification, revision 2025-06-18 (modelcontextprotocol.io/specification/2025-06-18): lifecycle,
transports (stdio, Streamable HTTP), tools, cancellation, ping. Why not the official SDK:
docs/adr/0006-tools.md.
"""

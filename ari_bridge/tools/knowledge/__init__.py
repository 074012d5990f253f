"""The knowledge folder: documents of an agent's, cut at their headings, in a full-text index."""

"""What turn-taking has to know of a language, one language a file, as data.

The tables are small on purpose: they hold what decides whether a speaker has come to an end, not the
language. A language without a file gets `neutral`: sounds that most people make, digits, punctuation.
"""

"""Row 4: one call's conversation.

    line/      what any call needs, whoever talks in it: PBX events, hold, keys, actions, the minutes, the end
    cascade/   the conversation of three engines: speech to text, language model, text to speech

A kind of conversation stands on `line` and knows no other kind.
"""

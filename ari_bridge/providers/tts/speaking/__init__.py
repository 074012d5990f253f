"""What voices share: parts of text, bytes to sound, words to places, the way through a WebSocket."""

"""SHA-512 crypt, the `$6$` hash that Asterisk's `password_format = crypt` takes.

From Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512" (2008), whose steps the comments number. The
standard library's crypt module is gone since Python 3.13.
"""

from __future__ import annotations

import hashlib

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SIZE = 64
LEAST_ROUNDS = 1000


def sha512_crypt(password: str, salt: str, rounds: int = LEAST_ROUNDS) -> str:
    """The crypt(3) string of `password`. The salt: up to 16 letters, digits, `.` or `/`.

    Rounds make guessing slow; a password of random bits cannot be guessed and needs the least, and
    Asterisk pays for the rounds at every request.
    """
    secret, grain = password.encode(), salt[:16].encode()
    other = hashlib.sha512(secret + grain + secret).digest()  # 4-8
    mixed = hashlib.sha512(secret + grain + _repeated(other, len(secret)))  # 1-3, 9-10
    length = len(secret)
    while length:  # 11
        mixed.update(other if length & 1 else secret)
        length >>= 1
    digest = mixed.digest()  # 12
    p = _repeated(hashlib.sha512(secret * len(secret)).digest(), len(secret))  # 13-16
    s = _repeated(hashlib.sha512(grain * (16 + digest[0])).digest(), len(grain))  # 17-20
    for number in range(rounds):  # 21
        odd = number & 1
        turn = p if odd else digest
        turn += s if number % 3 else b""
        turn += p if number % 7 else b""
        turn += digest if odd else p
        digest = hashlib.sha512(turn).digest()
    return f"$6$rounds={rounds}${salt[:16]}${_encoded(digest)}"


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // _SIZE + 1))[:length]


def _encoded(digest: bytes) -> str:
    """22: three bytes as four letters, low bits first, the three taken 21 apart and turned once a step."""
    letters = []
    first, second, third = 0, 21, 42
    for _ in range(21):
        value = digest[first] << 16 | digest[second] << 8 | digest[third]
        letters.append(_base64(value, 4))
        first, second, third = second + 1, third + 1, first + 1
    letters.append(_base64(digest[63], 2))
    return "".join(letters)


def _base64(value: int, letters: int) -> str:
    return "".join(_ALPHABET[value >> 6 * place & 63] for place in range(letters))

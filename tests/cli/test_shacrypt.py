from __future__ import annotations

import pytest

from ari_bridge.cli.shacrypt import sha512_crypt


# The specification's own test vectors.
@pytest.mark.parametrize(
    ("rounds", "salt", "password", "hashed"),
    [
        (
            10000,
            "saltstringsaltstring",
            "Hello world!",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/"
            "YTBmSK6H9qs/y3RnOaw5v.",
        ),
        (
            5000,
            "toolongsaltstring",
            "This is just a test",
            "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/"
            "e1JSbq3y6JMxxl8audkUEm0",
        ),
        (
            1400,
            "anotherlongsaltstring",
            "a very much longer text to encrypt.  This one even stretches over morethan one line.",
            "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwb"
            "tEW7o7UmJEiDwGqd8p4ur1",
        ),
    ],
)
def test_the_specification_s_vectors(rounds: int, salt: str, password: str, hashed: str) -> None:
    assert sha512_crypt(password, salt, rounds) == hashed

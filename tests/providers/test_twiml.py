from __future__ import annotations

import pytest

from ari_bridge.providers.speech.twiml import NoStream, Stream, signature, stream_of

TWIML = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say>One moment.</Say>
  <Connect>
    <Stream url="wss://bot.example/ws?x=1&amp;y=2">
      <Parameter name="agent" value="sales"/>
      <Parameter value="nameless"/>
    </Stream>
  </Connect>
  <Pause length="40"/>
</Response>"""


def test_the_stream_and_its_parameters_are_found() -> None:
    assert stream_of(TWIML) == Stream("wss://bot.example/ws?x=1&y=2", {"agent": "sales"})


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "no XML"),
        ("<Response><Say>hello</Say></Response>", "no <Response><Connect><Stream>"),
        ("<Response><Start><Stream url='wss://b'/></Start></Response>", "no <Response><Connect><Stream>"),
        ("<Response><Connect><Stream url='https://b'/></Connect></Response>", "no url that begins with wss"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Response/>', "declares entities"),
    ],
)
def test_what_leads_nowhere_says_why(document: str, says: str) -> None:
    with pytest.raises(NoStream, match=says):
        stream_of(document)


def test_the_signature_of_twilio_s_own_example() -> None:
    """twilio.com/docs/usage/security, "Validating signatures from Twilio", with its token 12345."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, form) == "L/OH5YylLD5NRKLltdqwSvS0BnU="

"""What a Twilio voice webhook answers: where the bot's stream is. No I/O.

Of TwiML only what leads to a two-way stream is understood: <Response><Connect><Stream url="wss://…">, with
its <Parameter> children (twilio.com/docs/voice/twiml/stream); what stands before it (a <Say>) is not done, as
the bot is to speak.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

LARGEST = 64 * 1024


class NoStream(ValueError):
    """The document leads to no two-way stream; the text says why."""


@dataclass(frozen=True, slots=True)
class Stream:
    url: str
    parameters: Mapping[str, str]


def stream_of(document: str) -> Stream:
    """Raises NoStream."""
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise NoStream("it declares entities")
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise NoStream(f"it is no XML ({error})") from None
    found = root.find("./Connect/Stream") if root.tag == "Response" else None
    if found is None:
        raise NoStream("there is no <Response><Connect><Stream>")
    url = found.get("url", "")
    if not url.startswith(("ws://", "wss://")):
        raise NoStream("its <Stream> has no url that begins with wss:// or ws://")
    parameters = {item.get("name", ""): item.get("value", "") for item in found.findall("Parameter")}
    return Stream(url, {name: value for name, value in parameters.items() if name})


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 of the URL and the form's fields, sorted by name
    (twilio.com/docs/usage/security)."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()

"""The Asterisk configuration files that come with the product, and how their `{{names}}` are filled in.

They lie in `asterisk/` of a checkout and in `ari_bridge/_asterisk` of an installed wheel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from ari_bridge.core.errors import InternalError


def template_directory() -> Traversable:
    package = files("ari_bridge")
    installed = package / "_asterisk"
    if installed.is_dir():
        return installed
    checkout = package / ".." / "asterisk"
    if checkout.is_dir():
        return checkout
    raise InternalError("the Asterisk configuration files are missing from this installation of ari_bridge")


def render(template: str, values: Mapping[str, object]) -> str:
    """The text of `template` (a path such as "http.conf") with each {{name}} replaced."""

    def value(match: re.Match[str]) -> str:
        try:
            return str(values[match[1]])
        except KeyError:
            raise InternalError(f"asterisk/{template} wants a value for {{{{{match[1]}}}}}") from None

    text = template_directory().joinpath(template).read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", value, text)

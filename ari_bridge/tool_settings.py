"""The settings of tools: what there is for a model to call, and the policy it is called under.

    [tools.python]          functions of a module of the user's
    [tools.http.NAME]       one HTTP request
    [tools.mcp.NAME]        a server that offers tools (Model Context Protocol)
    [tools.policy.NAME]     limits of a tool or an action, whatever kind it is

Which of them an agent is offered stands in `[agents.NAME] tools`.
"""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ari_bridge.core.errors import SettingsError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where an argument of a tool goes."""

ToolName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
"""What every vendor of language models takes as a tool's name."""


class SecretText(_Table):
    """Text with a secret in it: `{ env = "CRM_TOKEN", prefix = "Bearer " }` or `{ file = "crm_token" }`."""

    env: str = ""
    file: Path | None = None
    prefix: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> SecretText:
        if bool(self.env) is (self.file is not None):
            raise ValueError("must have either env or file")
        return self

    def read(self, key: str) -> str:
        """Raises SettingsError, naming `key`, where there is no such secret."""
        if self.file is None:
            if self.env not in os.environ:
                raise SettingsError(f"{key}: the environment has no {self.env}")
            return self.prefix + os.environ[self.env]
        try:
            return self.prefix + self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{key}: cannot read {self.file}: {error.strerror}") from None


Text: TypeAlias = str | SecretText


def read_texts(texts: dict[str, Text], key: str) -> dict[str, str]:
    """The texts with their secrets. Raises SettingsError."""
    return {
        name: text if isinstance(text, str) else text.read(f"{key}.{name}") for name, text in texts.items()
    }


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must start with http:// or https:// and a host")
    if parts.username is not None:
        raise ValueError("must hold no user or password; use headers")
    if "{" in parts.netloc:
        raise ValueError("the host cannot be an argument")
    if parts.fragment:
        raise ValueError("must hold no #fragment")
    return url


class PythonSettings(_Table):
    """Functions marked with `ari_bridge.tools.tool`."""

    file: Path | None = None
    module: str = ""
    """Importable by name, where there is no file."""

    @model_validator(mode="after")
    def _one_source(self) -> PythonSettings:
        if self.file is not None and self.module:
            raise ValueError("file and module are both set; keep one")
        return self


class HttpToolSettings(_Table):
    """One request. Where arguments go, `{argument}` stands: in the URL after the host (percent-encoded), in
    `query` and in `body`. Without a `body`, methods that have one send the arguments that are left as
    JSON."""

    description: str = Field(min_length=1)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Annotated[str, Field(min_length=1)]
    parameters: dict[ToolName, dict[str, Any]] = {}
    """JSON Schema of each argument; one that has a `default` may be left out."""
    headers: dict[str, Text] = {}
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None
    pick: str = ""
    """What of the JSON that comes back the model gets: a path such as `orders.0.status`, or `orders.*.id`."""
    max_bytes: int = Field(default=65536, ge=1, le=10_000_000)
    """Of the answer; a longer one is an error."""

    _url = field_validator("url")(_http_url)

    @field_validator("parameters")
    @classmethod
    def _are_schemas(cls, parameters: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, schema in parameters.items():
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                raise ValueError(f"{name}: is no JSON Schema: {error.message}") from None
        return parameters

    @model_validator(mode="after")
    def _placeholders_are_parameters(self) -> HttpToolSettings:
        for where, text in (("url", self.url), ("query", str(self.query)), ("body", str(self.body or ""))):
            for name in PLACEHOLDER.findall(text):
                if name not in self.parameters:
                    raise ValueError(f"{where}: there is no parameter {name!r}")
        if self.body is not None and self.method == "GET":
            raise ValueError("body: a GET has none")
        return self


class McpSettings(_Table):
    """A server that runs as our child (`command`), or is there already (`url`)."""

    command: tuple[str, ...] = ()
    environment: dict[str, Text] = {}
    """Of the child, besides PATH, HOME and the like; ours is not handed on."""
    directory: Path | None = None
    url: str = ""
    headers: dict[str, Text] = {}
    trusted: bool = False
    """What it says of its tools counts: readOnlyHint as effects = false, idempotentHint."""
    start_s: float = Field(default=15.0, gt=0, le=120)
    """How long the server may take to say what it offers."""
    max_bytes: int = Field(default=1_000_000, ge=1, le=50_000_000)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        return _http_url(url) if url else url

    @model_validator(mode="after")
    def _one_way(self) -> McpSettings:
        if bool(self.command) is bool(self.url):
            raise ValueError("must have either command or url")
        return self


class PolicySettings(_Table):
    """Limits of one tool or action. They are checked here, whatever a model says; what is unset is as the
    tool's author declared it."""

    effects: bool | None = None
    """False: it only looks things up, so it may run at any time and any number of times."""
    idempotent: bool | None = None
    """True: twice the same is as once, so it may be tried again."""
    parallel: bool | None = None
    """It may run beside others of the same call."""
    timeout_s: float | None = Field(default=None, gt=0, le=600)
    """For all tries together."""
    retries: int | None = Field(default=None, ge=0, le=5)
    """After a failure that may pass; only of tools without effects, or idempotent ones."""
    confirm: bool = False
    """The caller has to say yes first, or press the key for it."""
    question: str = ""
    """What they are asked, with {argument} where one is to be named."""
    secret: tuple[str, ...] = ()
    """Arguments that stand in no log and no store."""
    max_per_call: int | None = Field(default=None, ge=1)
    max_per_day: int | None = Field(default=None, ge=1)
    """In all calls of the store, from midnight to midnight of this machine."""


class KnowledgeSettings(_Table):
    directory: Path | None = None
    """Markdown (.md) and text (.txt), in subfolders too."""
    description: str = (
        "Look something up in our own documents. Use it before you answer questions about us: prices, times,"
        " rules, products. Give the words that matter, not a sentence."
    )
    results: int = Field(default=4, ge=1, le=20)


class ToolSettings(_Table):
    python: PythonSettings = PythonSettings()
    http: dict[ToolName, HttpToolSettings] = {}
    mcp: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")], McpSettings] = {}
    policy: dict[str, PolicySettings] = {}
    hosts: tuple[str, ...] = ()
    """All hosts that tools may talk to over HTTP."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Of private, loopback and link-local addresses, those that these hosts may have: 10.0.5.0/24."""

    @model_validator(mode="after")
    def _hosts_are_allowed(self) -> ToolSettings:
        urls = {f"http.{name}.url": tool.url for name, tool in self.http.items()}
        urls |= {f"mcp.{name}.url": server.url for name, server in self.mcp.items() if server.url}
        for key, url in urls.items():
            host = urlsplit(url).hostname
            if host not in self.hosts:
                raise ValueError(f"{key}: the host {host} is not among tools.hosts")
        return self

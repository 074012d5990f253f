"""Settings: one TOML file, the environment over it, secrets from files.

    ARI_BRIDGE_ASTERISK__PASSWORD=…         a value from the environment (two underscores nest)
    [asterisk] password_file = "/run/…"     a secret from a file

A key nobody knows is an error that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ari_bridge.core.errors import SettingsError
from ari_bridge.provider_settings import Names, ProviderTables
from ari_bridge.tool_settings import KnowledgeSettings, ToolSettings


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AsteriskSettings(_Table):
    """Where the PBX's ARI answers, and as whom we speak to it."""

    url: str = "http://127.0.0.1:8088"
    """http(s)://host:port[/prefix] of Asterisk's HTTP server, without /ari."""
    username: str = "ari_bridge"
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    app: str = Field(default="ari_bridge", pattern=r"^[A-Za-z0-9_.-]+$")
    tls_ca_file: Path | None = None
    """A CA to trust besides the system's, for a PBX with a certificate of its own."""
    request_timeout_s: float = Field(default=5.0, gt=0)
    gone_after_s: float = Field(default=30.0, gt=0)
    """After this long without Asterisk, calls that have no audio from it either are over."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        if "@" in url or "?" in url:
            raise ValueError("must hold no user, password or query; use username and password_file")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _one_password(self) -> AsteriskSettings:
        if self.password_file is not None and self.password.get_secret_value():
            raise ValueError("password and password_file are both set; keep one")
        return self

    def secret(self) -> str:
        """The ARI password. Raises SettingsError when its file cannot be read."""
        if self.password_file is None:
            return self.password.get_secret_value()
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"asterisk.password_file: cannot read {self.password_file}: {error.strerror}"
            ) from None


class MediaSettings(_Table):
    """The one UDP port through which all calls' audio passes."""

    bind_host: str = "127.0.0.1"
    advertise_host: str = ""
    """The address Asterisk sends to; bind_host when empty."""
    port: int = Field(default=0, ge=0, le=65535)
    """0 lets the system choose."""
    format: Literal["auto", "ulaw", "alaw", "slin", "g722", "slin16", "slin24", "slin48", "opus"] = "auto"
    """auto: callers keep µ-law, A-law or G.722, other wideband callers get slin16."""
    jitter: Literal["adaptive", "fixed"] = "adaptive"
    """adaptive: each call's delay follows its jitter, from min_delay_ms to max_delay_ms."""
    jitter_delay_ms: int = Field(default=40, ge=20, le=200)
    """The delay to start with; all there is when fixed."""
    min_delay_ms: int = Field(default=20, ge=0, le=200)
    max_delay_ms: int = Field(default=200, ge=20, le=400)
    max_calls: int = Field(default=256, ge=1, le=4096)
    voice_activity: Literal["auto", "energy", "silero"] = "auto"
    """What tells a caller's voice from noise: its level alone, or a model of the human voice too. auto: the
    model if there is one."""
    voice_model_file: Path | None = None
    """A silero_vad.onnx; that of the installed package silero-vad when unset."""

    @model_validator(mode="after")
    def _delays_in_order(self) -> MediaSettings:
        if self.jitter == "adaptive" and not self.min_delay_ms <= self.jitter_delay_ms <= self.max_delay_ms:
            raise ValueError("must be min_delay_ms <= jitter_delay_ms <= max_delay_ms")
        return self

    @property
    def shortest_delay_ms(self) -> int:
        return self.min_delay_ms if self.jitter == "adaptive" else self.jitter_delay_ms

    @property
    def longest_delay_ms(self) -> int:
        return self.max_delay_ms if self.jitter == "adaptive" else self.jitter_delay_ms


class LimitSettings(_Table):
    """What is too much. A call above a limit is not answered: the dialplan goes on with it at once."""

    max_calls: int | None = Field(default=None, ge=1)
    """At the same time; never more than media.max_calls, which it is when unset."""
    calls_per_second: float | None = Field(default=None, gt=0)
    """On average; as many as come in a second may come at once."""
    max_duration_s: float = Field(default=3600, gt=0)
    """After which an agent says its goodbye."""
    drain_timeout_s: float = Field(default=300, ge=0)
    """How long calls may go on after SIGTERM, before the dialplan gets them."""


class TurnSettings(_Table):
    """When a turn ends and what an interruption is."""

    end_of_turn_ms: int = Field(default=1000, ge=100, le=5000)
    """The silence that ends a turn. adaptive: of a caller of whom nothing is known yet, after words that tell
    nothing; an unfinished phrase waits longer, a plain answer less, and the caller's own pauses count."""
    end_of_turn: Literal["adaptive", "fixed"] = "adaptive"
    end_of_turn_min_ms: int | None = Field(default=None, ge=60, le=5000)
    """A quarter of end_of_turn_ms when unset."""
    end_of_turn_max_ms: int | None = Field(default=None, ge=100, le=10_000)
    """Three times end_of_turn_ms when unset."""
    detector: str = ""
    """A provider that hears whether the turn is over; by its words and pauses alone when empty."""
    detector_timeout_ms: int = Field(default=150, ge=10, le=2000)
    """After which its verdict is not waited for."""
    eager: bool = True
    """Ask the model when the end of a turn is likely, not only when it is sure. What it says is thrown away
    when the caller goes on: answers come sooner, and some are paid for in vain."""
    barge_in: bool = True
    """Callers can interrupt the agent."""
    barge_in_min_ms: int = Field(default=900, ge=100, le=5000)
    """Voice that lasts this long interrupts, whatever is understood of it; words interrupt at once. A shorter
    one without words, or an "uh-huh", only pauses the agent, which then goes on where it stopped."""
    barge_in_min_words: int = Field(default=1, ge=1, le=20)
    """So many words interrupt, "yes, I see" and the like left out; "stop" always does."""
    resume_after_ms: int = Field(default=300, ge=0, le=3000)
    """How long a paused agent waits for the transcript of a voice that has ended."""
    protected: tuple[str, ...] = ()
    """Phrases that callers have to hear, such as legal notices: an answer that holds one cannot be
    interrupted before it was heard."""
    digit_pause_ms: int = Field(default=0, ge=0, le=10_000)
    """How long more digits are waited for; 0: each digit is answered at once. # ends the waiting."""
    digits_max: int = Field(default=32, ge=1, le=64)
    utterance_max_s: float = Field(default=60.0, ge=5, le=600)
    """What a recogniser gets in one piece: a caller (or a noise) that never falls silent is transcribed so
    far, and goes on in the next piece of the same turn."""

    @model_validator(mode="after")
    def _ends_in_order(self) -> TurnSettings:
        if not self.shortest_ms <= self.end_of_turn_ms <= self.longest_ms:
            raise ValueError("must be end_of_turn_min_ms <= end_of_turn_ms <= end_of_turn_max_ms")
        return self

    @property
    def shortest_ms(self) -> float:
        return self.end_of_turn_ms / 4 if self.end_of_turn_min_ms is None else self.end_of_turn_min_ms

    @property
    def longest_ms(self) -> float:
        return self.end_of_turn_ms * 3 if self.end_of_turn_max_ms is None else self.end_of_turn_max_ms


_Engines = Annotated[Names, Field(min_length=1)]


class PatienceSettings(_Table):
    """What the agent says into silence, its own or the caller's."""

    filler_after_s: float = Field(default=2.0, ge=0.2, le=60)
    """A model or tool that takes longer is filled in for."""
    filler_every_s: float = Field(default=7.0, ge=1, le=120)
    fillers: tuple[str, ...] | None = None
    """In turn; with none, callers wait in silence. What is unset here and below is as the agent's language
    has it."""
    no_input_s: float = Field(default=12.0, ge=1, le=600)
    """A caller who says nothing for so long is asked for."""
    check_ins: tuple[str, ...] | None = None
    """One after the other; after the last comes the farewell. With none, silence may last."""
    farewell: str | None = None
    no_answer: str | None = None
    """Said where the model gives no answer at all; silence when empty."""


class SayingSettings(_Table):
    """What an agent says of its own accord, in one language; what is unset is as the language has it."""

    apology: str | None = None
    goodbye: str | None = None
    resumption: str | None = None
    no_answer: str | None = None
    fillers: tuple[str, ...] | None = None
    check_ins: tuple[str, ...] | None = None
    farewell: str | None = None


class LanguageSettings(_Table):
    """Of a language that an agent can switch to (action `switch_language`)."""

    stt: _Engines | None = None
    """The agent's when unset; so is tts."""
    tts: _Engines | None = None
    says: SayingSettings = SayingSettings()
    """Its phrases, which for the agent's own language stand in the agent's table and its `patience`."""


_NOT_BESIDE_SPEECH = ("stt", "llm", "languages", "context_tokens", "phrases")
_TURNS_NOT_BESIDE_SPEECH = (
    "end_of_turn_ms",
    "end_of_turn",
    "end_of_turn_min_ms",
    "end_of_turn_max_ms",
    "detector",
    "detector_timeout_ms",
    "eager",
    "barge_in_min_words",
    "protected",
)
"""What an engine that hears and speaks itself decides by itself."""


class AgentSettings(_Table):
    greeting: str = ""
    resumption: str | None = None
    """Said instead of the greeting when a process takes over the call of one that died. As the agent's
    language has it when unset; so are goodbye and apology."""
    goodbye: str | None = None
    """Said when the call has lasted limits.max_duration_s."""
    apology: str | None = None
    """Said when an engine has failed for good, before the dialplan takes the call."""
    language: str = "en"
    languages: dict[str, LanguageSettings] = {}
    """Besides that one, by their tags."""
    prompt: str = ""
    context_tokens: int | None = Field(default=None, ge=500)
    """Of the history a model gets at once, roughly; what is older is summarised. No limit when unset, which
    the scripted agent needs: it reads its history from the start."""
    stt: _Engines = ("pocketsphinx",)
    llm: _Engines = ("script",)
    tts: _Engines = ("espeak",)
    speech: str = ""
    """A provider that hears and speaks itself, in place of stt, llm and tts. A `tts` that is set beside it
    says what the provider cannot: an apology when it has failed, the briefing of an attended transfer."""
    gain_db: float = Field(default=0.0, ge=-30, le=20)
    """How much louder than its voice engine makes it the agent speaks."""
    phrases: tuple[str, ...] = ()
    """What callers are likely to say: a help to recognisers that take hints."""
    turns: TurnSettings = TurnSettings()
    patience: PatienceSettings = PatienceSettings()
    actions: tuple[str, ...] = ("hangup", "transfer")
    """What the agent may do with a call: names of `ari_bridge/actions/`."""
    tools: tuple[str, ...] = ()
    """What else it may use: names of tools, or patterns of them such as "calendar_*"."""
    knowledge: KnowledgeSettings = KnowledgeSettings()
    """What it can look things up in; offers the tool `look_up`."""

    @property
    def own_voice(self) -> _Engines:
        """Beside `speech`; () where there is none."""
        return self.tts if "tts" in self.model_fields_set else ()

    @model_validator(mode="after")
    def _speech_stands_alone(self) -> AgentSettings:
        if not self.speech:
            return self
        wrong = [name for name in _NOT_BESIDE_SPEECH if name in self.model_fields_set]
        turns = self.turns.model_fields_set
        wrong += [f"turns.{name}" for name in _TURNS_NOT_BESIDE_SPEECH if name in turns]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: means nothing beside speech = {self.speech!r}, which does it itself;"
                " remove the one or the other"
            )
        if "attended_transfer" in self.actions and not self.own_voice:
            raise ValueError(
                "tts: attended_transfer briefs people in a voice of its own beside speech; set one"
            )
        return self


_Context = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
_Exten = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.*#+-]+$")]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class DestinationSettings(_Table):
    """Where an agent may send a caller, or whom it may call: a place in the dialplan, and a telephone."""

    context: _Context
    exten: _Exten = "s"
    priority: int = Field(default=1, ge=1)
    variables: dict[_Variable, str] = {}
    """Set on the caller's channel on its way there, such as the queue or mailbox that is meant."""
    endpoint: str = Field(default="", pattern=r"^[A-Za-z0-9]+/[^\s,&]+$|^$")
    """What Asterisk rings when somebody is asked first or joins: PJSIP/6001, Local/sales@humans/n."""
    ring_s: float = Field(default=25.0, gt=0, le=300)


class DigitSettings(_Table):
    """Digits that an agent may ask for."""

    min: int = Field(default=1, ge=1, le=64)
    max: int = Field(default=32, ge=1, le=64)
    end: str = Field(default="#", pattern=r"^[0-9*#A-D]?$")
    """The key that ends the input; with "" only `max` digits or a pause do."""
    first_s: float = Field(default=10.0, gt=0, le=120)
    """How long the first digit may take, once the agent's words have been heard."""
    next_s: float = Field(default=5.0, gt=0, le=60)
    masked: bool = True
    """Card numbers, PINs: the digits reach `variable` and nothing else: no model, transcript, log, record."""
    variable: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    """The channel variable that gets them, for the dialplan."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> DigitSettings:
        if self.min > self.max:
            raise ValueError("min is more than max")
        if self.masked and not self.variable:
            raise ValueError("masked digits need a variable: nothing else may have them")
        return self


class ControlSettings(_Table):
    """How people are asked whether they take a call, and how long a caller may be left with music."""

    accept_digit: str = Field(default="1", pattern=r"^[0-9*#]$")
    decline_digit: str = Field(default="2", pattern=r"^[0-9*#]$")
    answer_s: float = Field(default=20.0, gt=0, le=120)
    """How long the asked may think, once they have heard the briefing."""
    cancel_digit: str = Field(default="*", pattern=r"^[0-9*#]$")
    """With which a caller on hold comes back to the agent."""
    hold_limit_s: float = Field(default=300.0, gt=0, le=3600)
    join_context: _Context = "ari-bridge-join"
    """The dialplan's place that connects the caller with the channel in ARIBRIDGEPEER."""


class OutboundSettings(_Table):
    """Calls that may be placed through the HTTP API."""

    endpoint: str = Field(pattern=r"^[A-Za-z0-9]+/[^\s,&]+$")
    """PJSIP/{number}@trunk: the number asked for, digits only, takes the place of {number}."""
    agent: str
    context: _Context = "ari-bridge-outbound"
    """Takes the call when it is answered; sorts people from machines by AMD()."""
    exten: _Exten = "s"
    caller_id: str = ""
    ring_s: float = Field(default=30.0, gt=0, le=300)
    variables: dict[_Variable, str] = {}


class WebSettings(_Table):
    """The HTTP API. Whoever has its token can act on every call: keep it on loopback, or behind TLS."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=8089, ge=0, le=65535)
    token: SecretStr = SecretStr("")
    token_file: Path | None = None

    def secret(self) -> str:
        """Raises SettingsError when there is none, or its file cannot be read."""
        secret = self.token.get_secret_value()
        if self.token_file is not None:
            try:
                secret = self.token_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"web.token_file: cannot read {self.token_file}: {error.strerror}"
                ) from None
        if not secret:
            raise SettingsError("web.token_file: the HTTP API needs a token; set token_file or token")
        return secret


class PhraseSettings(_Table):
    """The cache of the fixed phrases' audio: greeting, goodbye and the like."""

    directory: Path | None = None
    """Phrases outlive the process in it; kept in memory only when unset."""
    memory_mb: int = Field(default=32, ge=0)
    disk_mb: int = Field(default=256, ge=0)


class RecordSettings(_Table):
    directory: Path | None = None
    """One JSON file a call, with its transcript, is written here; nothing is written when unset."""


class StoreSettings(_Table):
    file: Path | None = None
    """SQLite. With it, calls outlive the death of the process: the next one takes them over. Nothing is kept
    when unset."""


class LogSettings(_Table):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ARI_BRIDGE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    asterisk: AsteriskSettings = AsteriskSettings()
    media: MediaSettings = MediaSettings()
    agents: dict[str, AgentSettings] = {}
    routes: dict[str, str] = {}
    """DID -> agent; the key "default" catches the rest. The dialplan's agent= argument comes first."""
    destinations: dict[str, DestinationSettings] = {}
    digits: dict[str, DigitSettings] = {}
    tools: ToolSettings = ToolSettings()
    control: ControlSettings = ControlSettings()
    outbound: dict[str, OutboundSettings] = {}
    web: WebSettings = WebSettings()
    providers: ProviderTables = ProviderTables()
    phrases: PhraseSettings = PhraseSettings()
    limits: LimitSettings = LimitSettings()
    records: RecordSettings = RecordSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Settings:
        for did, agent in self.routes.items():
            if agent not in self.agents:
                known = ", ".join(sorted(self.agents)) or "none"
                raise ValueError(f"routes.{did}: there is no agent {agent!r} (agents: {known})")
        for name, outbound in self.outbound.items():
            if outbound.agent not in self.agents:
                raise ValueError(f"outbound.{name}.agent: there is no agent {outbound.agent!r}")
        return self

    @model_validator(mode="after")
    def _days_are_counted_somewhere(self) -> Settings:
        for name, policy in self.tools.policy.items():
            if policy.max_per_day is not None and self.store.file is None:
                raise ValueError(f"tools.policy.{name}.max_per_day: needs store.file, where it is counted")
        return self


def load(path: Path, over: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings in `path`, with the values of `over` in place of what stands there. Raises
    SettingsError, one line, naming the key to mend."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    _resolve_files(table, path.parent)
    _lay_over(table, over or {})
    try:
        return Settings(**table)
    except ValidationError as error:
        raise SettingsError(f"{path}: {explain(error)}") from None


def _lay_over(table: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(table.get(key), dict):
            _lay_over(table[key], value)
        else:
            table[key] = value


def explain(error: ValidationError, table: str = "") -> str:
    """A pydantic error as one line: each key of `table` with what is wrong with it; an error of the table as
    a whole begins with the key to mend. Input values are left out (one of them may be a secret)."""
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(step) for step in item["loc"])
        message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"]
        message = message.removeprefix("Value error, ")
        text = f"{where}: {message}" if where else message
        parts.append(f"{table}.{text}" if table else text)
    return "; ".join(parts)


_NOT_OURS = {"body", "query", "parameters", "variables", "environment"}
"""Tables whose keys are somebody else's."""


def _resolve_files(table: dict[str, Any], base: Path) -> None:
    """Make every relative path of a key that names a file or directory relative to the TOML file."""
    for key, value in table.items():
        if isinstance(value, dict):
            if key not in _NOT_OURS:
                _resolve_files(value, base)
        elif isinstance(value, str) and (key.endswith("_file") or key in ("file", "directory")) and value:
            table[key] = os.fspath(base / value)

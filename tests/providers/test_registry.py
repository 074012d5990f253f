from __future__ import annotations

from pathlib import Path

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.base import Kind
from ari_bridge.providers.registry import all_providers, build_provider
from ari_bridge.settings import AgentSettings, Settings


def _settings(**tables: dict[str, object]) -> Settings:
    return Settings.model_validate({"providers": tables})


def test_the_agents_default_providers_exist() -> None:
    agent = AgentSettings()
    kinds = {name: all_providers()[name].kind for name in (*agent.stt, *agent.llm, *agent.tts)}
    assert kinds == {"pocketsphinx": Kind.STT, "script": Kind.LLM, "espeak": Kind.TTS}


def test_a_table_can_name_its_provider() -> None:
    build_provider(_settings(loud={"use": "espeak", "volume": 150}), Kind.TTS, "loud")


@pytest.mark.parametrize(
    ("kind", "name", "tables", "problem"),
    [
        (Kind.TTS, "espek", {}, "providers.espek: 'espek' is no tts provider (there are: "),
        (Kind.LLM, "espeak", {}, "providers.espeak: 'espeak' is no llm provider (there are: "),
        (Kind.TTS, "espeak", {"espeak": {"rate": 1}}, "providers.espeak.rate: unknown key"),
        (Kind.TTS, "espeak", {"espeak": {"pitch": 500}}, "providers.espeak.pitch: "),
        (Kind.TTS, "espeak", {"espeak": {"voice": "xx"}}, "providers.espeak.voice: espeak-ng has no voice"),
        (
            Kind.STT,
            "pocketsphinx",
            {"pocketsphinx": {"words": {"pbx": "P Q"}}},
            "words: pbx: Q is no",
        ),
        (
            Kind.LLM,
            "script",
            {"script": {"script_file": Path("/no/x")}},
            "providers.script.script_file: ",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(
    kind: Kind, name: str, tables: dict[str, dict[str, object]], problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        build_provider(_settings(**tables), kind, name)  # type: ignore[call-overload]
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)

"""Agents whose engine hears and speaks itself, as the settings describe them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.actions.registry import actions
from ari_bridge.agents import build_agents
from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.engines import Engines
from ari_bridge.settings import Settings, load
from ari_bridge.tools.workshop import Workshop

HEAD = '[agents.desk]\nspeech = "voice"\n'
LOCAL = '[providers.voice]\nuse = "openai-realtime"\nbase_url = "http://127.0.0.1:9/v1"\n'


def loaded(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "ari_bridge.toml"
    file.write_text(text)
    return load(file)


def build(settings: Settings) -> Any:
    async def main() -> Any:
        engines = Engines(settings)
        try:
            return build_agents(settings, engines, await Workshop.open(settings, actions()))
        finally:
            await engines.close()

    return asyncio.run(main())


def test_three_lines_are_enough(tmp_path: Path) -> None:
    agents = build(loaded(tmp_path, HEAD + LOCAL))
    assert set(agents) == {"desk"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('stt = "pocketsphinx"', "stt"),
        ('llm = ["script"]', "llm"),
        ("context_tokens = 4000", "context_tokens"),
        ('phrases = ["yes"]', "phrases"),
        ("languages = { de = {} }", "languages"),
        ("turns = { eager = false }", r"turns\.eager"),
        ('turns = { detector = "x" }', r"turns\.detector"),
        ('turns = { protected = ["legal notice"] }', r"turns\.protected"),
    ],
)
def test_what_the_engine_does_itself_cannot_be_set_beside_it(tmp_path: Path, line: str, named: str) -> None:
    with pytest.raises(
        SettingsError, match=rf"agents\.desk: {named}: means nothing beside speech = 'voice'"
    ) as e:
        loaded(tmp_path, HEAD + line + "\n" + LOCAL)
    assert "\n" not in str(e.value)


def test_what_is_still_ours_can(tmp_path: Path) -> None:
    turns = (
        "turns = { barge_in_min_ms = 500, resume_after_ms = 200, barge_in = true, digit_pause_ms = 900 }\n"
    )
    agents = build(
        loaded(tmp_path, HEAD + turns + 'tts = "espeak"\nactions = ["attended_transfer"]\n' + LOCAL)
    )
    assert agents["desk"].settings.own_voice == ("espeak",)


def test_a_briefing_needs_a_voice(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"agents\.desk: tts: attended_transfer"):
        loaded(tmp_path, HEAD + 'actions = ["attended_transfer"]\n' + LOCAL)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (HEAD, r"providers\.voice: 'voice' is no speech to speech provider \(there are: .*openai-realtime"),
        (HEAD + '[providers.voice]\nuse = "espeak"\n', r"providers\.voice: 'espeak' is no speech to speech"),
        (HEAD + LOCAL + "colour = 1\n", r"providers\.voice\.colour: unknown key"),
        (HEAD + LOCAL.replace("http", "ftp"), r"providers\.voice\.base_url: is no URL that begins with"),
        (HEAD + LOCAL + 'api_key_file = "nowhere"\n', r"providers\.voice\.api_key_file: cannot read"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, tables: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as error:
        build(loaded(tmp_path, tables))
    assert "\n" not in str(error.value)

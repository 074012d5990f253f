"""Engines by the names that agents use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.base import VoiceContext
from ari_bridge.providers.engines import Engines
from ari_bridge.providers.fallback.llm import FallbackLanguageModel
from ari_bridge.settings import AgentSettings, PhraseSettings, Settings

SETTINGS = Settings.model_validate(
    {"providers": {"second": {"use": "script"}}, "agents": {"desk": {"greeting": "Hello."}}}
)


def with_engines(settings: Settings, use: Callable[[Engines], object]) -> None:
    async def main() -> None:
        engines = Engines(settings)
        try:
            use(engines)
        finally:
            await engines.close()

    asyncio.run(main())


def test_one_name_is_one_engine_and_a_list_has_reserves() -> None:
    def use(engines: Engines) -> None:
        assert isinstance(engines.llm(("script",)), FallbackLanguageModel)  # it is not waited for for ever
        both = engines.llm(("script", "second"))
        assert isinstance(both, FallbackLanguageModel)
        assert engines.llm(("script", "second")) is both
        assert both.phrases == engines.llm(("script",)).phrases

    with_engines(SETTINGS, use)


def test_all_agents_have_the_reserves_of_providers_fallback() -> None:
    settings = Settings.model_validate(
        {"providers": {"second": {"use": "script"}, "fallback": {"llm": ["script", "second"]}}}
    )

    def use(engines: Engines) -> None:
        both = engines.llm(("script",))
        assert isinstance(both, FallbackLanguageModel)
        assert both is engines.llm(("script", "second"))
        assert both is not engines.llm(("second",))

    with_engines(settings, use)


def test_a_name_in_a_list_is_checked() -> None:
    with pytest.raises(SettingsError, match=r"providers\.nobody: 'nobody' is no llm provider"):
        with_engines(SETTINGS, lambda engines: engines.llm(("script", "nobody")))


def test_the_greeting_is_kept_on_disk(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"phrases": PhraseSettings(directory=tmp_path)})

    async def main() -> None:
        engines = Engines(settings)
        for sentence in ("Hello.", "Your order is on its way."):
            async with aclosing(engines.tts(("espeak",)).speak(sentence, VoiceContext(8000))) as pieces:
                assert [piece async for piece in pieces]
        await engines.close()
        assert len(list(tmp_path.iterdir())) == 1

    asyncio.run(main())


def test_agents_may_name_one_engine_or_several() -> None:
    assert AgentSettings.model_validate({"llm": "big"}).llm == ("big",)
    assert AgentSettings.model_validate({"llm": ["big", "small"]}).llm == ("big", "small")
    with pytest.raises(ValueError, match="at least 1"):
        AgentSettings.model_validate({"llm": []})

"""What an agent says of its own accord is in the call's language, unless its settings have it otherwise."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ari_bridge.dialogue.languages.registry import all_languages
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.sentences import has_words
from ari_bridge.dialogue.wording import wording
from ari_bridge.settings import AgentSettings, LanguageSettings, PatienceSettings, SayingSettings
from tests.dialogue.bench import Bench

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt")


def test_these_languages_are_there() -> None:
    assert set(all_languages()) == set(LANGUAGES)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_each_has_phrases_of_its_own(tag: str) -> None:
    says, english = all_languages()[tag].says, Sayings()
    assert all(has_words(text) for text in says.all)
    assert len(says.fillers) == len(english.fillers)
    assert len(says.check_ins) == len(english.check_ins)
    if tag != "en":
        same = [f.name for f in fields(Sayings) if getattr(says, f.name) == getattr(english, f.name)]
        assert same == []


def test_a_tag_with_a_region_and_one_nobody_knows() -> None:
    agent = AgentSettings()
    assert wording(agent, "de-AT").apology == all_languages()["de"].says.apology
    assert wording(agent, "tlh") == Sayings()


def test_the_agent_s_own_phrases_are_in_its_own_language() -> None:
    agent = AgentSettings(
        language="de",
        goodbye="Tschüss.",
        apology="Hoppla.",
        patience=PatienceSettings(fillers=("Moment!",), check_ins=(), no_answer=""),
        languages={"fr": LanguageSettings(says=SayingSettings(goodbye="Salut."))},
    )
    german = wording(agent, "de-CH")
    assert (german.goodbye, german.apology, german.fillers) == ("Tschüss.", "Hoppla.", ("Moment!",))
    assert (german.check_ins, german.no_answer) == ((), "")  # none is not unset
    assert german.farewell == all_languages()["de"].says.farewell
    assert wording(agent, "fr").goodbye == "Salut."
    assert wording(agent, "fr").fillers == all_languages()["fr"].says.fillers
    assert wording(agent, "en") == Sayings()


def test_after_a_switch_the_silence_is_filled_in_the_new_language() -> None:
    bench = Bench(patience=PatienceSettings(filler_after_s=1.0, no_input_s=5.0))
    dutch = all_languages()["nl"].says
    bench.greet("Hello.")
    bench.wait(1.0)
    bench.session.speak_language("nl", dutch)
    bench.wait(8.0)
    assert dutch.check_ins[0] in [turn.text for turn in bench.session.finished]

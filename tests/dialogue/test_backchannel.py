from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.dialogue.backchannel import Meaning, meaning
from ari_bridge.dialogue.languages.registry import all_languages, language
from ari_bridge.dialogue.question import NO_QUESTION, question_in

LISTENING = {
    "en": "uh-huh|mm|Mm-hmm.|okay|yeah|right|I see|oh okay|yeah, yeah|got it|all right|um",
    "de": "ja|mhm|genau|okay|alles klar|ach so|ja ja|hm|verstehe|ja, genau|gut",
    "es": "sí|ajá|vale|claro|ya|mm|de acuerdo|sí, sí|bien",
    "fr": "oui|d'accord|mm|ah bon|je vois|oui oui|ouais|très bien|euh",
    "it": "sì|va bene|certo|ho capito|mm|ah|sì, sì|esatto",
    "nl": "ja|oké|mm|precies|ja ja|ik snap het|aha|goed",
    "pt": "sim|tá|certo|entendi|uhum|mm|tá bom|claro",
    "sv": "mm|mhm|okej|aha|okay",
}
SPEAKING = {
    "en": "stop|wait|no|okay stop|hold on|yeah but|what|I want to cancel|no no|yes I have a question",
    "de": "stopp|warten Sie|nein|ja aber|wie bitte|Moment|ich will etwas anderes|halt",
    "es": "pare|espere|no|sí pero|perdón|quiero otra cosa|un momento",
    "fr": "stop|attendez|non|oui mais|pardon|je veux autre chose|arrêtez",
    "it": "stop|aspetti|no|sì ma|scusi|voglio un'altra cosa|basta",
    "nl": "stop|wacht|nee|ja maar|sorry|ik wil iets anders|wacht even",
    "pt": "pare|espere|não|sim mas|desculpe|eu quero outra coisa|espera",
    "sv": "jag vill något annat|vänta|stopp",
}


def cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, text) for code, texts in table.items() for text in texts.split("|") if text != "okej"]


@pytest.mark.parametrize(("code", "text"), cases(LISTENING))
def test_signs_of_listening(code: str, text: str) -> None:
    assert meaning(text, language(code)) is Meaning.BACKCHANNEL


@pytest.mark.parametrize(("code", "text"), cases(SPEAKING))
def test_wishes_to_speak(code: str, text: str) -> None:
    assert meaning(text, language(code)) is Meaning.INTERRUPTION


@pytest.mark.parametrize("text", ["", "  ", "[noise]", "(coughs)", "<unk>", "*laughs*", "...", "–"])
def test_noise(text: str) -> None:
    assert meaning(text, language("en")) is Meaning.NOISE


@pytest.mark.parametrize("text", ["yeah", "okay", "sure", "right", "uh-huh", "mm-hmm"])
def test_the_same_word_answers_a_question(text: str) -> None:
    english = language("en")
    asked = question_in("Shall I put you through?", english)
    assert meaning(text, english, asked) is Meaning.INTERRUPTION
    assert meaning(text, english, NO_QUESTION) is Meaning.BACKCHANNEL


def test_hesitation_is_no_answer() -> None:
    english = language("en")
    assert meaning("um", english, question_in("What is your name?", english)) is Meaning.BACKCHANNEL
    assert meaning("uh um", english, question_in("Is it Miller?", english)) is Meaning.BACKCHANNEL


def test_a_minimum_of_words_does_not_hold_for_urgent_ones() -> None:
    english = language("en")
    assert meaning("yeah Tuesday", english, words_min=2) is Meaning.BACKCHANNEL
    assert meaning("yeah Tuesday morning", english, words_min=2) is Meaning.INTERRUPTION
    assert meaning("stop", english, words_min=5) is Meaning.INTERRUPTION


@given(st.sampled_from(sorted(all_languages())), st.text("abc äß?.,'- ", max_size=30))
def test_more_words_never_make_less_of_it(code: str, text: str) -> None:
    """A partial transcript that is an interruption stays one when it grows by a word."""
    spoken = language(code)
    if meaning(text, spoken) is Meaning.INTERRUPTION:
        assert meaning(f"{text} xyzzy", spoken) is Meaning.INTERRUPTION
    assert meaning(f"{text} stop", language("en")) is Meaning.INTERRUPTION


def test_tables_do_not_contradict_each_other() -> None:
    """What claims the turn must not be what leaves it with the other, word for word."""
    for spoken in all_languages().values():
        both = set(spoken.listening) & set(spoken.urgent)
        assert not both, (spoken.name, both)

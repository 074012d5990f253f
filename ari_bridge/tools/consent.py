"""The caller's yes, before what the policy wants confirmed. No I/O.

    model calls ─▶ refused: "ask, in these words" ─▶ agent asks ─▶ caller says yes ─▶ model calls again: runs

The model has no say in it. What counts is in the conversation itself: the question, in the policy's words and
with the arguments of this very call, was heard to its end by the caller (the history holds nothing else), and
the caller's next words were a yes without an if, or the accept digit. A yes is good for one run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ari_bridge.core.messages import Message, Role
from ari_bridge.tools.arguments import canonical

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DIGIT = re.compile(r"\[digit ([0-9*#A-D])\]")

YES: Mapping[str, str] = {
    "en": "yes yeah yep yup sure okay ok correct right certainly absolutely definitely confirm confirmed",
    "de": "ja jawohl jep gerne genau richtig okay ok einverstanden stimmt natürlich klar bestätige",
    "fr": "oui ouais ok okay exact exactement absolument confirme bien",
    "es": "sí si claro vale ok okay correcto exacto confirmo",
    "it": "sì si certo ok okay esatto corretto confermo",
    "nl": "ja jawel ok okay oké klopt graag zeker goed",
    "pt": "sim claro ok okay certo correto exato confirmo",
}
NO: Mapping[str, str] = {
    "en": "no nope not don't never wrong stop cancel wait",
    "de": "nein nee nö nicht kein falsch stopp stop halt abbrechen warte",
    "fr": "non pas jamais faux stop arrêtez annulez attendez",
    "es": "no nunca falso pare alto cancela cancele espere espera",
    "it": "no non mai sbagliato ferma fermi annulla aspetta aspetti",
    "nl": "nee niet geen fout stop annuleer wacht",
    "pt": "não nao nunca errado pare cancela cancele espere espera",
}
_BESIDES: Mapping[str, str] = {
    "en": "please thanks thank you that's that is it do go ahead of course all fine good great i so",
    "de": "bitte danke das ist so mach machen sie ich es gut sehr mal doch",
    "fr": "s'il vous plaît merci c'est d'accord allez je tout très monsieur madame",
    "es": "por favor gracias así es muy bien eso señor señora supuesto lo adelante",
    "it": "per favore grazie va bene così prego pure lo signore signora",
    "nl": "dank u je alsjeblieft alstublieft dat is het doe maar hoor",
    "pt": "por favor obrigado obrigada isso é muito bem pode senhor senhora",
}
"""What may stand around a yes without taking anything of it back."""


class Reply(Enum):
    YES = auto()
    NO = auto()
    NEITHER = auto()


@dataclass(frozen=True, slots=True)
class Keys:
    accept: str = "1"
    decline: str = "2"


def understand(said: str, language: str, keys: Keys) -> Reply:
    """What the caller's words are to a question of yes or no. "Yes, but later" is neither."""
    digits = _DIGIT.findall(said)
    if digits:
        match digits[-1]:
            case keys.accept:
                return Reply.YES
            case keys.decline:
                return Reply.NO
        return Reply.NEITHER
    tongue = language.split("-")[0].split("_")[0].lower()
    yes, no, besides = (frozenset(words.get(tongue, words["en"]).split()) for words in (YES, NO, _BESIDES))
    words = _words(said)
    if any(word in no for word in words):
        return Reply.NO
    if any(word in yes for word in words) and all(word in yes | besides for word in words):
        return Reply.YES
    return Reply.NEITHER


class Consent:
    """What the caller of one call was asked, and has agreed to."""

    def __init__(self, language: str, keys: Keys) -> None:
        self._language = language
        self._keys = keys
        self._messages: Sequence[Message] = ()
        self._used: int | None = None
        """The caller's turn whose yes was used."""

    def asked(self, messages: Sequence[Message]) -> None:
        """The model is asked with these."""
        self._messages = messages

    def obstacle(self, name: str, question: str) -> str:
        """Why it may not run yet, as a sentence for the model; "" where the caller has agreed: the yes is
        used up then."""
        turn = sum(message.role is Role.CALLER for message in self._messages)
        heard, answer = _exchange(self._messages)
        if not _contains(heard, question) or self._used == turn:
            return (
                f"Not done: the caller has to agree first. Ask in exactly these words: {question} Once they"
                f" have said yes, or pressed {self._keys.accept}, call {name} again with the same arguments."
            )
        match understand(answer, self._language, self._keys):
            case Reply.NO:
                return "Not done: the caller did not agree."
            case Reply.NEITHER:
                return f"Not done: that was neither yes nor no. Ask again, in exactly these words: {question}"
        self._used = turn
        return ""


def question(template: str, name: str, arguments: Mapping[str, Any]) -> str:
    """The words in which the caller is asked: `template` with {argument}s, or made of name and arguments."""
    if template:
        return re.sub(r"\{(\w+)\}", lambda found: _spoken(arguments.get(found[1], "")), template)
    told = ", ".join(f"{key.replace('_', ' ')} {_spoken(value)}" for key, value in arguments.items())
    action = name.replace("_", " ")
    return f"Shall I do this: {action}, {told}?" if told else f"Shall I do this: {action}?"


def _spoken(value: object) -> str:
    return value if isinstance(value, str) else canonical({"": value})[4:-1].strip('"')


def _exchange(messages: Sequence[Message]) -> tuple[str, str]:
    """What the caller heard last, and what they said to it."""
    callers = [index for index, message in enumerate(messages) if message.role is Role.CALLER]
    if not callers:
        return "", ""
    start = callers[-2] + 1 if len(callers) > 1 else 0
    heard = " ".join(m.text for m in messages[start : callers[-1]] if m.role is Role.AGENT)
    return heard, messages[callers[-1]].text


def _contains(heard: str, asked: str) -> bool:
    words, wanted = _words(heard), _words(asked)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]

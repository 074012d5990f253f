from __future__ import annotations

import pytest

from ari_bridge.dialogue.digits import runs
from ari_bridge.dialogue.languages.registry import NEUTRAL, all_languages, language
from ari_bridge.dialogue.phrasing import GOES_ON, Phrasing, phrasing
from ari_bridge.dialogue.question import NO_QUESTION, Kind, Question, question_in
from ari_bridge.dialogue.words import Phrases, words

GO_ON = "goes on"
EVEN = "even"
DONE = "done"

PHRASES = {
    "en": {
        GO_ON: """I'd like to book a table for|my number is|and|uhm|I would like to|well|it's about my
            order and|yes but|can you|we need it by Friday because|let me see|I'm calling about the|
            could I speak to|I want to change my|the thing is|my name is|it was sent to the|is there|
            I bought it, um|my address is 12, Park Road,|I live in the|one moment|the meeting is at|
            can you tell me where|could you tell me|do you know what|
            I would like to know when|my phone number is oh one seven|my card number is 4111 1111|k o w|
            do you know what time|I need to find out where""",
        DONE: """what are your opening hours|can you tell me where my parcel is|who is it from|
            could you put me through to sales|that's all|thank you|
            no thanks|yes please|
            do you have a table for tonight|I'd like a table for two please|is it open on Sundays|
            what is this about|goodbye|where do I have to send it to|and the price?|
            yes can you tell me where my parcel is|hello can you help me with this|what did you say|
            good morning are you open on Sundays|well do you deliver on Saturdays""",
        EVEN: """I want to cancel my order|my washing machine is broken|Miller|hello|tomorrow at nine|
            I'd like to speak to an operator|I don't think so, it was blue|the blue one|in the kitchen|
            yes|hello|no""",
    },
    "de": {
        GO_ON: """ich möchte|meine Nummer ist|und|ähm|es geht um|ja aber|ich rufe an wegen|können Sie|
            ich hätte gerne einen|weil|also|mal sehen|ich möchte einen Termin für|ja und|das ist|
            ich wollte fragen, ob|Moment|können Sie mir sagen|können Sie mir sagen wann|wissen Sie wo""",
        DONE: """was kostet das|wann haben Sie geöffnet|können Sie mich verbinden|nein danke|vielen Dank|
            das wäre alles|wo ist meine Bestellung|auf Wiederhören|haben Sie am Samstag offen|
            welche Farben haben Sie|danke sehr|was ist das""",
        EVEN: """ich möchte meine Bestellung stornieren|Müller|morgen um neun|ich rufe Sie an|
            meine Waschmaschine ist kaputt|ich möchte mit jemandem sprechen|ich weiß es nicht genau|
            ich mache das Fenster auf und gehe dann rein|das ist mir zu teuer gewesen|ja|Guten Tag""",
    },
    "es": {
        GO_ON: """quisiera|mi número es|y|eh|me gustaría|pero|es que|llamo por la|a ver|quiero hablar con|
            bueno|mi nombre es|necesito cambiar el|sí pero|porque|un momento|me puede decir dónde""",
        DONE: """qué horario tienen|puede ayudarme con esto|no gracias|muchas gracias|eso es todo|adiós|
            dónde está mi pedido|¿tienen mesa?|cuánto cuesta el envío""",
        EVEN: """quiero cancelar mi pedido|García|mañana a las nueve|la lavadora está rota|creo que no|
            sí|claro que sí""",
    },
    "fr": {
        GO_ON: """je voudrais|mon numéro est|et|euh|parce que|je vous appelle pour|c'est pour une|attendez|
            oui mais|je cherche un|j'aimerais|alors|est-ce que|pouvez-vous me dire|savez-vous où|
            je m'appelle|à propos de la""",
        DONE: """quels sont vos horaires|est-ce que vous êtes ouverts|non merci|merci beaucoup|c'est tout|
            au revoir|où est ma commande|pouvez-vous m'aider|vous êtes ouverts ?|quelle heure est-il""",
        EVEN: """je veux annuler ma commande|Dupont|demain à neuf heures|ma machine est en panne|
            oui|bonjour""",
    },
    "it": {
        GO_ON: """vorrei|il mio numero è|e|ehm|perché|chiamo per la|un attimo|sì ma|ho bisogno di|allora|
            mi chiamo|volevo sapere se|vorrei parlare con|mi può dire quando|è possibile""",
        DONE: """che orari avete|può aiutarmi con questo|no grazie|grazie mille|è tutto|arrivederci|
            dov'è il mio ordine|quanto costa la spedizione|siete aperti?""",
        EVEN: """voglio annullare il mio ordine|Rossi|domani alle nove|la lavatrice è rotta|sì|certo""",
    },
    "nl": {
        GO_ON: """ik wil graag een|mijn nummer is|en|eh|omdat|ik bel over|even kijken|ja maar|ik zou graag|
            ik wil spreken met|mijn naam is|ik zoek een|dus|kunt u mij vertellen waar""",
        DONE: """wat zijn uw openingstijden|kunt u mij helpen|nee bedankt|dank u wel|dat is alles|
            waar is mijn bestelling|tot ziens|heeft u morgen plaats|hoe laat bent u open""",
        EVEN: """ik wil mijn bestelling annuleren|Jansen|morgen om negen uur|de wasmachine is stuk|ja""",
    },
    "pt": {
        GO_ON: """eu queria|meu número é|e|mas|porque|é que|um momento|sim mas|eu gostaria de|
            estou ligando para|meu nome é|eu quero falar com|então|eu preciso de|pode me dizer quando""",
        DONE: """qual é o horário|pode me ajudar com isso|não obrigado|muito obrigada|é só isso|tchau|
            onde está meu pedido|quanto custa o envio|não quero|vocês estão abertos?""",
        EVEN: """quero cancelar meu pedido|Silva|amanhã às nove|a máquina está quebrada|sim|claro""",
    },
}
CASES = [
    (code, expected, " ".join(text.split()))
    for code, table in PHRASES.items()
    for expected, texts in table.items()
    for text in texts.split("|")
]


def judged(text: str, code: str, asked: Question = NO_QUESTION) -> str:
    goes_on = GOES_ON[phrasing(text, language(code), asked)]
    return EVEN if goes_on == 0.5 else GO_ON if goes_on > 0.5 else DONE


@pytest.mark.parametrize(("code", "expected", "text"), CASES)
def test_phrases_as_callers_say_them(code: str, expected: str, text: str) -> None:
    assert judged(text, code) == expected


@pytest.mark.parametrize("text", [case[2] for case in CASES if case[1] is GO_ON and case[2][-1] != ","])
def test_a_full_stop_that_a_recogniser_writes_is_no_end(text: str) -> None:
    code = next(case[0] for case in CASES if case[2] == text)
    assert judged(f"{text.capitalize()}.", code) == GO_ON


def test_every_language_has_phrases_here() -> None:
    assert set(PHRASES) == set(all_languages())


@pytest.mark.parametrize(
    ("code", "question", "text"),
    [
        ("en", "Shall I put you through?", "mm-hmm"),
        ("en", "Is that right?", "Yes, that's right."),
        ("de", "Soll ich Sie verbinden?", "ja gerne"),
        ("es", "¿Es correcto?", "sí, claro"),
        ("fr", "Vous confirmez ?", "oui, c'est ça"),
        ("it", "Confermo l'ordine?", "sì grazie"),
        ("nl", "Klopt dat?", "ja, dat klopt"),
        ("pt", "Posso confirmar?", "pode"),
        ("sv", "Stämmer det?", "mm"),
    ],
)
def test_a_plain_answer_to_a_plain_question(code: str, question: str, text: str) -> None:
    asked = question_in(question, language(code))
    assert phrasing(text, language(code), asked) in (Phrasing.ANSWER, Phrasing.FULL_ANSWER)


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        ("en", "We are open from nine. What is your order number?", Kind.NUMBER),
        ("en", "Please tell me your phone number.", Kind.NUMBER),
        ("en", "Is this number right?", Kind.YES_OR_NO),
        ("en", "How can I help you?", Kind.OFFER),
        ("en", "Good morning! And what is your name?", Kind.OPEN),
        ("en", "Do you want to go on? I can wait.", Kind.NONE),
        ("en", "Let me look.", Kind.NONE),
        ("en", "", Kind.NONE),
        ("en", "…", Kind.NONE),
        ("de", "Wie lautet Ihre Kundennummer?", Kind.NUMBER),
        ("fr", "Quel est votre numéro de téléphone ?", Kind.NUMBER),
        ("es", "¿Cuál es su código postal?", Kind.NUMBER),
        ("pt", "Qual é o seu CPF?", Kind.NUMBER),
        ("sv", "Vad heter du?", Kind.YES_OR_NO),
    ],
)
def test_what_the_agent_asked(code: str, said: str, kind: Kind) -> None:
    assert question_in(said, language(code)).kind is kind


@pytest.mark.parametrize(
    ("code", "text", "digits"),
    [
        ("en", "four seven one nine", [4]),
        ("en", "double five, uh, two three", [4]),
        ("en", "twenty five thirteen", [4]),
        ("en", "it is 555-12 34 and then 7", [7, 1]),
        ("en", "oh seven nine double oh", [5]),
        ("de", "null eins sieben sechs fünfundzwanzig", [6]),
        ("de", "siebzehnter Mai", []),
        ("fr", "zéro six quatre-vingt-douze", [5]),
        ("fr", "vingt et un soixante-dix", [4]),
        ("es", "treinta y uno, veintidós", [4]),
        ("it", "ventuno trentotto", [4]),
        ("nl", "tweeëntwintig eenendertig nul", [5]),
        ("pt", "trinta e um meia", [3]),
        ("sv", "12 34", [4]),
    ],
)
def test_digits_are_counted(code: str, text: str, digits: list[int]) -> None:
    assert [run.digits for run in runs(words(text), language(code))] == digits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four seven", Phrasing.NUMBER_UNFINISHED),
        ("it's four seven one nine nine", Phrasing.NUMBER_UNFINISHED),
        ("47199", Phrasing.NUMBER_UNFINISHED),
        ("4719923", Phrasing.NUMBER_GOING_ON),
        ("four seven one nine nine two three four", Phrasing.NUMBER_WHOLE),
        ("47199234", Phrasing.NUMBER_WHOLE),
        ("47199234, I think", Phrasing.NUMBER_WHOLE),
        ("my number is", Phrasing.UNFINISHED),
        ("four seven uh", Phrasing.HESITATING),
        ("I don't have it here", Phrasing.PLAIN),
    ],
)
def test_a_number_of_known_length(text: str, expected: Phrasing) -> None:
    assert phrasing(text, language("en"), Question(Kind.NUMBER, 7, 8)) is expected


def test_a_number_that_nobody_asked_for() -> None:
    english = language("en")
    assert phrasing("it's oh one seven nine", english) is Phrasing.NUMBER_GOING_ON
    assert phrasing("I was born in 1984", english) is Phrasing.PLAIN
    assert phrasing("at five", english) is Phrasing.PLAIN


def test_without_a_transcript_nothing_is_known() -> None:
    assert phrasing(None, language("en")) is Phrasing.UNKNOWN
    assert phrasing("[noise]", language("en")) is Phrasing.UNKNOWN


def test_a_language_without_a_table() -> None:
    assert language("sv") is NEUTRAL
    assert language("de-AT").name == language("DE").name == language("de_CH").name == "de"
    assert judged("jag skulle vilja", "sv") == EVEN
    assert judged("jag skulle vilja, öh", "sv") == GO_ON
    assert judged("har ni öppet?", "sv") == DONE


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Is that right?", "yes", Phrasing.ANSWER),
        ("Is that right?", "yes that's right", Phrasing.FULL_ANSWER),
        ("Is that right?", "no", Phrasing.REFUSAL),
        ("Is that right?", "no thank you", Phrasing.FULL_ANSWER),
        ("Is there anything else?", "yes", Phrasing.YES_OR_NO),
        ("Is there anything else?", "no", Phrasing.ANSWER),
        ("Is there anything else?", "no that's all", Phrasing.CLOSING),
        ("How can I help you?", "yes", Phrasing.YES_OR_NO),
        ("What is your name?", "Miller", Phrasing.ONE_WORD),
        ("What is your name?", "John Miller", Phrasing.SHORT_ANSWER),
        ("What is your name?", "John Miller, and", Phrasing.UNFINISHED),
        ("What is your name?", "Kowalski, K O", Phrasing.SPELLING),
        ("How can I help you?", "John Miller", Phrasing.PLAIN),
        ("What is your phone number?", "oh one seven", Phrasing.NUMBER_UNFINISHED),
        ("What is your phone number?", "oh one seven five five five one", Phrasing.NUMBER_GOING_ON),
        ("What is your card number?", "4111 1111 1111", Phrasing.NUMBER_UNFINISHED),
        ("What is your card number?", "4111 1111 1111 1111", Phrasing.NUMBER_WHOLE),
        ("", "my phone number is oh one seven", Phrasing.NUMBER_UNFINISHED),
        ("", "are you open", Phrasing.SHORT_QUESTION),
        ("", "are you open on Sundays", Phrasing.QUESTION),
        ("", "My internet is down.", Phrasing.STOPPED),
    ],
)
def test_what_was_asked_tells_what_an_answer_is(question: str, text: str, expected: Phrasing) -> None:
    english = language("en")
    assert phrasing(text, english, question_in(question, english)) is expected


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("I would like to talk to a person", True),
        ("tell me about the company", False),  # more of what is expected begins so
        ("tell me about the company please now", True),
        ("tell me about it", False),
        ("help", False),  # a word is too little
    ],
)
def test_what_the_agent_expects_is_whole_where_nothing_longer_begins_so(text: str, is_whole: bool) -> None:
    expected = Phrases(
        "i would like to talk to a person",
        "tell me about the company",
        "tell me about the company please now",
        "help",
    )
    assert (phrasing(text, language("en"), expected=expected) is Phrasing.EXPECTED) is is_whole

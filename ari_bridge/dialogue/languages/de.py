"""German."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = """
    was, wer, wen, wem, wessen, wann, wo, woher, wohin, warum, wieso, weshalb, wie, welche, welcher,
    welches
"""
_UNITS = "null eins zwei zwo drei vier fünf sechs sieben acht neun"
_JOINED = "ein zwei drei vier fünf sechs sieben acht neun"
_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"

_SAYINGS = Sayings(
    apology="Es tut mir leid, bei uns ist etwas schiefgegangen.",
    goodbye="Es tut mir leid, unsere Zeit ist um, und ich muss das Gespräch hier beenden. Auf Wiederhören.",
    resumption="Entschuldigung, ich habe Sie kurz verloren. Bitte sprechen Sie weiter.",
    no_answer="Entschuldigung, könnten Sie das noch einmal sagen?",
    fillers=("Einen Moment, bitte.", "Ich suche noch.", "Ich bin gleich so weit."),
    check_ins=("Sind Sie noch da?", "Hallo? Ich kann Sie nicht hören."),
    farewell="Ich kann Sie nicht hören und beende deshalb das Gespräch. Auf Wiederhören.",
)

LANGUAGE = Language(
    name="de",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        also, ja also, moment, einen moment, moment mal, augenblick, sekunde, mal sehen, lassen sie
        mich sehen, warten sie, ich schau mal, ich gucke mal, wie sagt man
    """),
    opening=Phrases("na ja, naja, tja, nun, nun ja, gut, sagen sie, hören sie, schauen sie"),
    # Prepositions that are verb particles too (an, auf, aus, ab, mit, ein, vor, zu) end many sentences.
    hanging=Phrases("""
        und, oder, aber, denn, weil, dass, daß, wenn, ob, als, damit, obwohl, sondern, sowie, bis,
        bevor, und dann, der, die, den, dem, des, eine, einen, einem, einer, mein, meine, meinen,
        meiner, meinem, ihr, ihre, ihren, sein, seine, unser, unsere, dieser, diesen, jede, jeder,
        jeden, von, für, bei, ohne, gegen, zwischen, wegen, seit, im, am, zum, zur, vom, beim, ins,
        in, nach, über, unter, ich hätte, ich möchte, ich wollte, ich würde, ich will, ich brauche,
        ich muss, es geht um, und zwar, nicht nur, meine nummer ist, die nummer ist, meine nummer
        lautet, mein name ist, ich heiße, wie viel, wie viele, welche, bitte können sie, herr, ja
        aber, nein aber, ja und, die sache ist, ich glaube
    """),
    particles=Phrases("""
        um, haben sie, gibt es, können sie, könnten sie, ist es, kann ich, das ist, es ist, ich bin,
        ich kann, ich habe, wir haben, wir sind
    """),
    questions=Phrases(
        _OPEN,
        """
        können sie, könnten sie, kann ich, könnte ich, haben sie, sind sie, gibt es, ist es, ist
        das, ist die, ist der, darf ich, muss ich, soll ich, würden sie, wissen sie, hast du, kannst
        du, wäre es, geht das
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        können sie mir sagen, könnten sie mir sagen, sagen sie mir, nennen sie
    """,
    ),
    answers=Phrases("""
        ja, jawohl, jo, ja bitte, ja gerne, ja genau, ja das stimmt, ja stimmt, gerne, gern, genau,
        richtig, stimmt, das stimmt, das ist richtig, korrekt, okay, ok, in ordnung, natürlich,
        klar, sicher, selbstverständlich, nein, nee, nö, nein danke, nein das stimmt nicht, noch
        nicht, doch, vielleicht, passt, das passt, weiß ich nicht, das weiß ich nicht, keine ahnung,
        auf keinen fall, mhm
    """),
    closings=Phrases("""
        danke, danke schön, dankeschön, vielen dank, danke ihnen, das war's, das wäre alles, das ist
        alles, mehr nicht, auf wiederhören, auf wiedersehen, tschüss, tschüs, ciao, schönen tag,
        schönen tag noch, sonst nichts, danke sehr, bitte
    """),
    listening=SOUNDS
    | Phrases("""
        ja, jaja, ja ja, genau, gut, na gut, alles klar, klar, verstehe, ich verstehe, verstanden,
        ach so, achso, ach, ach ja, aha, okay gut, ja gut, ja okay, stimmt, richtig, schön, super,
        prima, toll, interessant, so so, in ordnung, sicher, natürlich, danke, äh, ähm, jo, eben, ja
        genau, na klar
    """),
    urgent=Phrases("""
        stopp, stop, halt, warte, warten sie, moment, einen moment, moment mal, augenblick, nein,
        nee, nö, entschuldigung, entschuldigen sie, verzeihung, hallo, hilfe, ruhe, hören sie, aber,
        quatsch, falsch, nochmal, noch mal, noch einmal, nicht, was, wer, wie, wie bitte, warum,
        wann, wo, frage, vergessen sie
    """),
    greetings=Phrases("hallo, guten tag, guten morgen, guten abend, grüß gott, moin, servus, hi"),
    embedding=Phrases("sagen, mir sagen, wissen sie, nachsehen, nachschauen, erklären"),
    offers=Phrases("""
        sonst noch, noch etwas, noch was, weitere fragen, eine frage, noch fragen, helfen, für sie
        tun
    """),
    noes=Phrases("nein, nee, nö, nicht, nichts"),
    asks_number=Phrases("""
        nummer, telefonnummer, kundennummer, rechnungsnummer, bestellnummer, vertragsnummer,
        kontonummer, rückrufnummer, code, pin, ziffern, postleitzahl, geburtsdatum, kennzahl
    """),
    card_numbers=Phrases("kartennummer, karte, kreditkarte"),
    phone_numbers=Phrases("telefonnummer, handynummer, mobilnummer, rückrufnummer"),
    units=frozenset({*split(_UNITS), "ein"}),
    teens=frozenset(
        split("zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn")
        + [f"{unit}und{ten}" for unit in split(_JOINED) for ten in split(_TENS)]
        + split(_TENS)
    ),
    repeats=frozenset({"doppel"}),
)

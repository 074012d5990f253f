"""Dutch."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = "wat, wie, wanneer, waar, waarom, hoe, welk, welke, hoeveel, waarvoor, waarheen, hoezo"
_TENS = "twintig dertig veertig vijftig zestig zeventig tachtig negentig"

_SAYINGS = Sayings(
    apology="Het spijt me, er is bij ons iets misgegaan.",
    goodbye="Het spijt me, onze tijd is om en ik moet het gesprek beëindigen. Tot ziens.",
    resumption="Sorry, ik was u even kwijt. Gaat u verder.",
    no_answer="Sorry, kunt u dat nog een keer zeggen?",
    fillers=("Een moment, alstublieft.", "Ik ben nog aan het zoeken.", "Ik ben bijna klaar."),
    check_ins=("Bent u er nog?", "Hallo? Ik hoor u niet."),
    farewell="Ik hoor u niet en daarom beëindig ik het gesprek. Tot ziens.",
)

LANGUAGE = Language(
    name="nl",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        dus, even kijken, even denken, momentje, een momentje, een moment, wacht even, ja dus, zeg
        maar, hoe zeg je dat, laat me even kijken
    """),
    opening=Phrases("nou, nou ja, tja, kijk, zeg, ja nou, luister, ja kijk"),
    # Prepositions that are verb particles too (op, aan, uit, mee, af, in) end many sentences.
    hanging=Phrases("""
        en, of, maar, want, omdat, als, terwijl, hoewel, zodat, voordat, en toen, en dan, sinds,
        tot, de, een, mijn, m'n, uw, haar, onze, ons, hun, elke, ieder, geen, van, bij, naar,
        zonder, tegen, tussen, onder, te, om, om te, ik wil, ik wilde, ik wou, ik zou, ik zou graag,
        ik moet, het gaat om, ik bel voor, ik bel over, ik denk dat, namelijk, graag een, mijn
        nummer is, het nummer is, mijn naam is, ik heet, ja maar, nee maar, ja en
    """),
    particles=Phrases("""
        er is, is er, er zijn, het is, dat is, heeft u, bent u, kunt u, zou u, kan ik, mag ik, over,
        door, met, voor, ik ben, ik heb, ik kan, we zijn
    """),
    questions=Phrases(
        _OPEN,
        """
        kunt u, zou u, kan ik, mag ik, heeft u, hebben jullie, is er, is het, is dat, bent u, weet
        u, zijn er, moet ik, kun je, kan je, heb je, wilt u
    """,
    ),
    open_questions=Phrases(_OPEN, "kunt u mij zeggen, kunt u me vertellen, zeg mij, vertel"),
    answers=Phrases("""
        ja, jawel, jazeker, ja hoor, ja graag, ja alstublieft, ja precies, ja dat klopt, ja klopt,
        klopt, dat klopt, precies, inderdaad, juist, correct, goed, prima, oké, okay, ok, zeker,
        natuurlijk, uiteraard, graag, is goed, dat is goed, nee, nee dank u, nee bedankt, nee hoor,
        nog niet, misschien, nooit, dat weet ik niet, weet ik niet, geen idee, helemaal niet, zeker
        niet
    """),
    closings=Phrases("""
        dank u, dank u wel, dank je, dank je wel, bedankt, hartelijk dank, dat was het, dat is
        alles, verder niets, tot ziens, dag, doei, fijne dag, fijne dag nog, alstublieft
    """),
    listening=SOUNDS
    | Phrases("""
        ja, jaja, ja ja, oké, ja oké, goed, prima, precies, klopt, ik snap het, snap ik, ik begrijp
        het, begrepen, duidelijk, inderdaad, juist, o ja, oh ja, aha, leuk, mooi, fijn, natuurlijk,
        zeker, dank u, bedankt, eh, ja precies, ja hoor, is goed, ah zo
    """),
    urgent=Phrases("""
        stop, wacht, wacht even, wacht eens, momentje, een momentje, een moment, nee, sorry, pardon,
        excuseer, neem me niet kwalijk, hallo, help, stil, luister, maar, fout, herhaal, nog een
        keer, nog eens, opnieuw, niet, wat, wie, wanneer, waar, waarom, hoe, vraag, laat maar
    """),
    greetings=Phrases("hallo, goedemorgen, goedemiddag, goedenavond, goedendag, hoi"),
    embedding=Phrases("zeggen, vertellen, weet u, weten, uitleggen, nakijken"),
    offers=Phrases("nog iets, iets anders, nog vragen, een vraag, helpen, voor u doen"),
    noes=Phrases("nee, niets, niks, niet"),
    asks_number=Phrases("""
        nummer, telefoonnummer, klantnummer, bestelnummer, code, pincode, cijfers, postcode,
        geboortedatum
    """),
    card_numbers=Phrases("kaartnummer, kaart, creditcard"),
    phone_numbers=Phrases("telefoonnummer, mobiele nummer, mobiel"),
    units=frozenset(split("nul een één twee drie vier vijf zes zeven acht negen")),
    teens=frozenset(
        split("tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien")
        + [
            f"{unit}{'ën' if unit[-1] == 'e' else 'en'}{ten}"
            for unit in split("een twee drie vier vijf zes zeven acht negen")
            for ten in split(_TENS)
        ]
        + split(_TENS)
    ),
    repeats=frozenset({"dubbel"}),
)

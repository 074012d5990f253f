"""Italian."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = """
    cosa, che cosa, che, chi, quale, quali, qual, quando, dove, dov'è, come, quanto, quanta, quanti,
    perché
"""
_TENS = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"
_JOINED = "uno due tre tré quattro cinque sei sette otto nove"


def _joined(ten: str, unit: str) -> str:
    """ventuno, ventidue: the ten loses its vowel before another."""
    return (ten[:-1] if unit[0] in "uo" else ten) + unit


_SAYINGS = Sayings(
    apology="Mi dispiace, c'è stato un problema da parte nostra.",
    goodbye="Mi dispiace, il tempo è finito e devo chiudere la chiamata. Arrivederci.",
    resumption="Mi scusi, l'ho persa per un momento. Continui pure.",
    no_answer="Mi scusi, può ripetere?",
    fillers=("Un momento, per favore.", "Sto ancora cercando.", "Ho quasi finito."),
    check_ins=("È ancora in linea?", "Pronto? Non la sento."),
    farewell="Non la sento, quindi chiudo la chiamata. Arrivederci.",
)

LANGUAGE = Language(
    name="it",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        allora, dunque, cioè, un attimo, un momento, un secondo, vediamo, aspetti, mi faccia vedere,
        diciamo, come dire
    """),
    opening=Phrases("beh, be, ecco, insomma, guardi, senta, sì ecco, no ecco"),
    hanging=Phrases("""
        e, ed, o, oppure, ma, però, perché, che, se, quando, mentre, anche se, e poi, e quindi,
        quindi, siccome, il, lo, la, i, gli, le, l, un, uno, una, del, dello, della, dei, degli,
        delle, al, allo, alla, ai, alle, nel, nella, sul, sulla, dal, dalla, mio, mia, miei, mie,
        suo, sua, nostro, nostra, ogni, di, a, da, in, con, su, per, tra, fra, senza, verso, fino a,
        ho bisogno di, vorrei, voglio, volevo, devo, mi chiamo, il mio nome è, il mio numero è, il
        numero è, il mio cognome è, mi servirebbe, mi piacerebbe, l'indirizzo è, si tratta di, mi
        può, mi potrebbe, è possibile, sì ma, no ma, sì e, credo che, penso che, vorrei sapere,
        volevo sapere, sto, stavo
    """),
    particles=Phrases("""
        è, sono, ha, ho, avete, c'è, ci sono, può, potrebbe, abbiamo, siamo, posso
    """),
    questions=Phrases(
        _OPEN,
        """
        può, potrebbe, mi può, mi potrebbe, posso, avete, è possibile, sarebbe possibile, sa, c'è,
        ci sono, a che ora, a chi, di chi, con chi, da dove, per quanto, in che
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        a che ora, a chi, con chi, da dove, mi può dire, mi dica, mi dice, in che
    """,
    ),
    answers=Phrases("""
        sì, si, sì grazie, sì certo, sì esatto, sì per favore, certo, certamente, esatto,
        esattamente, giusto, corretto, va bene, d'accordo, ok, okay, perfetto, bene, sicuro,
        assolutamente, volentieri, proprio così, è giusto, no, no grazie, non ancora, non lo so, non
        so, forse, magari, mai, per niente, nemmeno, sì va bene
    """),
    closings=Phrases("""
        non voglio, non lo voglio, grazie, grazie mille, molte grazie, la ringrazio, è tutto, basta
        così, nient'altro, arrivederci, ciao, buona giornata, buona serata, per favore, per cortesia
    """),
    listening=SOUNDS
    | Phrases("""
        sì, si, sì sì, certo, va bene, bene, ho capito, capito, capisco, ah ecco, ecco, esatto,
        giusto, d'accordo, perfetto, ottimo, ah sì, già, vero, chiaro, grazie, eh sì, eh, sicuro,
        okay va bene, interessante
    """),
    urgent=Phrases("""
        stop, ferma, si fermi, fermo, aspetti, aspetta, un attimo, un momento, un secondo, no,
        scusi, scusa, mi scusi, pronto, aiuto, silenzio, senta, ascolti, ma, però, annulla, annulli,
        ripeta, può ripetere, di nuovo, cosa, come, chi, perché, quando, dove, quanto, domanda,
        operatore, operatrice, basta, non
    """),
    greetings=Phrases("buongiorno, buonasera, salve, ciao, pronto"),
    embedding=Phrases("dire, dirmi, sa, sapere, spiegare, spiegarmi, controllare"),
    offers=Phrases("altro, qualcos'altro, altre domande, una domanda, aiutare, aiutarla, aiutarti"),
    noes=Phrases("no, niente, nulla, non"),
    asks_number=Phrases("""
        numero, numero di telefono, telefono, codice, pin, cifre, codice fiscale, data di nascita,
        cap
    """),
    card_numbers=Phrases("numero di carta, numero della carta, carta"),
    phone_numbers=Phrases("numero di telefono, telefono, cellulare"),
    units=frozenset(split("zero uno una due tre quattro cinque sei sette otto nove")),
    teens=frozenset(
        split("dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove")
        + [_joined(ten, unit) for ten in split(_TENS) for unit in split(_JOINED)]
    ),
    tens=frozenset(split(_TENS)),
    repeats=frozenset({"doppio"}),
)

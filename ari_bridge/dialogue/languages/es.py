"""Spanish."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = """
    qué, cuál, cuáles, quién, quiénes, cuándo, dónde, adónde, cómo, cuánto, cuánta, cuántos,
    cuántas, por qué
"""

_SAYINGS = Sayings(
    apology="Lo siento, ha habido un problema por nuestra parte.",
    goodbye="Lo siento, se nos ha acabado el tiempo y tengo que terminar la llamada. Adiós.",
    resumption="Perdone, se ha cortado un momento. Continúe, por favor.",
    no_answer="Perdone, ¿podría repetirlo?",
    fillers=("Un momento, por favor.", "Lo estoy buscando.", "Ya casi está."),
    check_ins=("¿Sigue ahí?", "¿Oiga? No le oigo."),
    farewell="No le oigo, así que voy a terminar la llamada. Adiós.",
)

LANGUAGE = Language(
    name="es",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        o sea, a ver, a ver si, déjeme ver, un momento, un segundo, espere, cómo se dice, vamos a
        ver, digamos
    """),
    opening=Phrases("este, pues, bueno, mire, oiga, verá, pues mire, sí bueno, pues nada"),
    hanging=Phrases("""
        y, e, o, u, pero, porque, que, si, aunque, cuando, sino, ni, mientras, y entonces, y luego,
        pero es que, el, la, los, las, un, una, unos, unas, mi, mis, tu, su, sus, nuestro, nuestra,
        este es, de, del, a, al, en, con, por, para, sin, sobre, entre, hasta, desde, hacia, según,
        contra, lo que, quiero, quisiera, querría, quería, necesito, me gustaría, me llamo, mi
        nombre es, mi número es, el número es, mi apellido es, la dirección es, me puede, me podría,
        es que, creo que, la cosa es, lo siento pero, sí pero, no pero, sí y, tengo que, voy a,
        quiero que
    """),
    particles=Phrases("""
        es, son, hay, tiene, tienen, puede, podría, puedo, soy, estoy, tengo, era
    """),
    questions=Phrases(
        _OPEN,
        """
        puede, podría, me puede, me podría, puedo, podemos, hay, tiene, tienen, es posible, sería
        posible, sabe, a qué, en qué, con quién, de dónde, para qué, desde cuándo, hasta qué
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        a qué, en qué, con quién, de dónde, para qué, me puede decir, dígame, me dice
    """,
    ),
    answers=Phrases("""
        sí, si, sí por favor, sí claro, sí señor, sí señora, así es, claro, claro que sí, correcto,
        exacto, eso es, exactamente, vale, de acuerdo, está bien, por supuesto, perfecto, bueno, ok,
        okay, desde luego, sí gracias, no, no gracias, no señor, no señora, todavía no, aún no, no
        lo sé, no sé, tal vez, quizás, nunca, para nada, sí correcto, ajá, efectivamente
    """),
    closings=Phrases("""
        no quiero, no lo quiero, gracias, muchas gracias, muchísimas gracias, eso es todo, nada más,
        eso sería todo, adiós, hasta luego, hasta pronto, buen día, por favor
    """),
    listening=SOUNDS
    | Phrases("""
        sí, si, sí sí, ya, ya veo, claro, vale, ajá, aham, bien, muy bien, está bien, entiendo,
        entendido, de acuerdo, bueno, exacto, eso, perfecto, correcto, así es, cierto, por supuesto,
        dígame, gracias, ah bueno, ah vale, eh, ya ya, qué bien, genial
    """),
    urgent=Phrases("""
        para, pare, alto, espere, espera, un momento, un segundo, no, perdón, perdone, disculpe,
        oiga, hola, ayuda, silencio, escuche, pero, basta, cancele, cancelar, repita, repítalo, otra
        vez, qué, quién, cómo, por qué, cuándo, dónde, pregunta, operador, operadora, mire
    """),
    greetings=Phrases("hola, buenos días, buenas tardes, buenas noches, buenas, qué tal"),
    embedding=Phrases("decir, decirme, sabe, saber, explicar, explicarme, mirar"),
    offers=Phrases("algo más, alguna otra, otra cosa, alguna pregunta, ayudar, ayudarle, ayudarlo, ayudarla"),
    noes=Phrases("no, nada"),
    asks_number=Phrases("número, teléfono, código, código postal, pin, dígitos, fecha de nacimiento, dni"),
    card_numbers=Phrases("número de tarjeta, tarjeta"),
    phone_numbers=Phrases("número de teléfono, teléfono, móvil, celular"),
    units=frozenset(split("cero uno una dos tres cuatro cinco seis siete ocho nueve")),
    teens=frozenset(
        split("""
            diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte
            veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete
            veintiocho veintinueve
        """)
    ),
    tens=frozenset(split("treinta cuarenta cincuenta sesenta setenta ochenta noventa")),
    joiners=frozenset({"y"}),
    repeats=frozenset({"doble"}),
)

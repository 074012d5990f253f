"""French."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = """
    quoi, que, qui, quel, quelle, quels, quelles, quand, où, comment, combien, pourquoi, à quelle
    heure
"""

_SAYINGS = Sayings(
    apology="Je suis désolé, un problème est survenu de notre côté.",
    goodbye="Je suis désolé, le temps est écoulé et je dois mettre fin à l'appel. Au revoir.",
    resumption="Excusez-moi, je vous ai perdu un instant. Continuez, je vous prie.",
    no_answer="Excusez-moi, pourriez-vous répéter ?",
    fillers=("Un instant, s'il vous plaît.", "Je cherche encore.", "J'ai presque fini."),
    check_ins=("Êtes-vous toujours là ?", "Allô ? Je ne vous entends pas."),
    farewell="Je ne vous entends pas, je vais donc mettre fin à l'appel. Au revoir.",
)

LANGUAGE = Language(
    name="fr",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        eh bien, alors, disons, voyons, attendez, un instant, un moment, une seconde, comment dire,
        je regarde, laissez moi voir
    """),
    opening=Phrases("ben, bah, bon, enfin, écoutez, voilà, oui bon, dites"),
    hanging=Phrases("""
        et, ou, mais, donc, car, parce que, parce qu'il, que, qu'il, qu'elle, si, comme, lorsque,
        puisque, et puis, le, la, les, l, un, une, des, du, de, d, de la, de l, au, aux, mon, ma,
        mes, votre, vos, notre, nos, son, sa, ses, leurs, ce, cet, cette, ces, chaque, quelques, à,
        en, dans, sur, sous, par, chez, vers, entre, sans, je, j, j'ai, j'aimerais, j'aurais, je
        suis, je voudrais, je veux, je vais, je dois, je peux, je crois que, c'est que, est ce que,
        est ce qu'il, c'est pour, ne, pas de, je m'appelle, mon nom est, mon numéro est, mon numéro
        c'est, le numéro est, le numéro c'est, c'est le, pouvez vous, pourriez vous, puis je, avez
        vous, oui mais, non mais, oui et, afin de, avant de, je vous appelle, je pense que, plus de
    """),
    particles=Phrases("""
        pour, avec, avant, après, contre, dessus, est, sont, était, il, elle, on, c'est, il y a,
        nous sommes, est il, y a t il, nous
    """),
    questions=Phrases(
        _OPEN,
        """
        est ce que, est ce qu'il, qu'est ce que, qu'est ce qui, pouvez vous, pourriez vous, puis je,
        avez vous, êtes vous, y a t il, est il, savez vous, auriez vous, c'est combien, c'est quand,
        c'est où, peut on
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        qu'est ce que, qu'est ce qui, pouvez vous me dire, pourriez vous me dire, dites moi
    """,
    ),
    answers=Phrases("""
        oui, ouais, oui merci, oui s'il vous plaît, oui bien sûr, oui c'est ça, c'est ça, c'est
        cela, c'est exact, exact, exactement, tout à fait, d'accord, ok, okay, bien sûr, voilà,
        absolument, parfait, certainement, si, volontiers, ça marche, ça va, non, non merci, non pas
        du tout, pas encore, pas vraiment, pas du tout, jamais, peut être, je ne sais pas, je sais
        pas, oui voilà, oui exactement, oui d'accord
    """),
    closings=Phrases("""
        merci, merci beaucoup, merci bien, je vous remercie, c'est tout, ce sera tout, voilà c'est
        tout, rien d'autre, au revoir, bonne journée, bonne soirée, à bientôt, s'il vous plaît
    """),
    listening=SOUNDS
    | Phrases("""
        oui, ouais, oui oui, d'accord, ah d'accord, bien, très bien, ah bon, ah oui, je vois, je
        comprends, compris, entendu, voilà, exact, c'est ça, tout à fait, bien sûr, parfait, super,
        ça marche, merci, euh, ouais ouais, ah, ok d'accord, bon, ça va, hein
    """),
    urgent=Phrases("""
        stop, arrêtez, arrête, attendez, attends, un instant, un moment, une seconde, non, pardon,
        excusez moi, allô, aide, au secours, silence, écoutez, mais, annulez, répétez, pouvez vous
        répéter, encore une fois, quoi, comment, qui, pourquoi, quand, où, combien, question, pas,
        désolé
    """),
    greetings=Phrases("bonjour, bonsoir, allô, salut"),
    embedding=Phrases("dire, me dire, savez vous, savoir, expliquer, m'expliquer, vérifier"),
    offers=Phrases("autre chose, d'autres questions, une question, aider, vous aider"),
    noes=Phrases("non, rien, pas"),
    asks_number=Phrases("""
        numéro, numéro de téléphone, code, code postal, pin, chiffres, date de naissance, téléphone
    """),
    card_numbers=Phrases("numéro de carte, carte, carte bancaire"),
    phone_numbers=Phrases("numéro de téléphone, téléphone, portable"),
    units=frozenset(split("zéro un une deux trois quatre cinq six sept huit neuf")),
    # Said after soixante and quatre-vingt they complete the ten ("soixante-douze").
    teens=frozenset(split("dix onze douze treize quatorze quinze seize")),
    tens=frozenset(
        split("vingt vingts trente quarante cinquante soixante septante huitante octante nonante")
    ),
    joiners=frozenset({"et"}),
    repeats=frozenset({"double"}),
)

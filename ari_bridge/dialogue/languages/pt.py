"""Portuguese."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.words import Phrases, split

_OPEN = """
    que, o que, qual, quais, quem, quando, onde, aonde, como, quanto, quanta, quantos, quantas, por
    que, porquê
"""

_SAYINGS = Sayings(
    apology="Peço desculpa, ocorreu um problema do nosso lado.",
    goodbye="Peço desculpa, o nosso tempo terminou e tenho de encerrar a chamada. Adeus.",
    resumption="Desculpe, perdi a ligação por um momento. Continue, por favor.",
    no_answer="Desculpe, pode repetir?",
    fillers=("Um momento, por favor.", "Ainda estou à procura.", "Estou quase a terminar."),
    check_ins=("Ainda está aí?", "Alô? Não consigo ouvir."),
    farewell="Não consigo ouvir, por isso vou encerrar a chamada. Adeus.",
)

LANGUAGE = Language(
    name="pt",
    says=_SAYINGS,
    hesitations=HESITATIONS
    | Phrases("""
        é que, então, deixa eu ver, deixe me ver, vamos ver, um momento, um instante, um segundo,
        espera aí, como se diz, digamos
    """),
    opening=Phrases("bem, bom, tipo, pois, ora, olha, olhe, escuta, sim olha, bom olha"),
    hanging=Phrases("""
        e, ou, mas, porque, que, se, quando, embora, porém, enquanto, e depois, e então, e aí, só
        que, nem, o, a, os, as, um, uma, uns, umas, meu, minha, meus, minhas, seu, sua, nosso,
        nossa, de, do, da, dos, das, em, no, na, nos, nas, por, pelo, pela, para, pra, com, sem,
        sobre, entre, até, desde, ao, à, aos, sou, estou, tenho, quero, queria, gostaria, gostaria
        de, preciso, preciso de, vou, me chamo, chamo me, meu nome é, o meu nome é, meu número é, o
        meu número é, o número é, o endereço é, acho que, tenho que, eu queria, eu gostaria de, sim
        mas, não mas, sim e, a questão é
    """),
    particles=Phrases("é, são, era, tem, há, pode, poderia, você pode, é possível, posso"),
    questions=Phrases(
        _OPEN,
        """
        pode, poderia, você pode, o senhor pode, a senhora pode, posso, tem, há, é possível, sabe,
        vocês têm, a que horas, de onde, com quem, para quem, em que
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        a que horas, de onde, com quem, pode me dizer, pode dizer me, me diga, diga me, em que
    """,
    ),
    answers=Phrases("""
        sim, sim por favor, sim claro, sim senhor, sim senhora, claro, claro que sim, certo,
        correto, exato, exatamente, isso, isso mesmo, é isso, tá, tá bom, está bem, está certo, ok,
        okay, com certeza, perfeito, pois não, pode ser, é, pode, não, não obrigado, não obrigada,
        ainda não, não sei, talvez, nunca, de jeito nenhum, sim obrigado, sim obrigada, pois é, acho
        que sim, acho que não
    """),
    closings=Phrases("""
        não quero, obrigado, obrigada, muito obrigado, muito obrigada, só isso, é só isso, é tudo,
        mais nada, nada mais, tchau, adeus, até logo, até mais, bom dia para você, por favor
    """),
    listening=SOUNDS
    | Phrases("""
        sim, sim sim, tá, tá bom, tá certo, certo, claro, entendi, entendo, percebo, percebi, isso,
        exato, pois, pois é, ah sim, ah tá, ah bom, está bem, bom, beleza, legal, ótimo, perfeito,
        obrigado, obrigada, é, né, uhum, aham, com certeza, sei
    """),
    urgent=Phrases("""
        para, pare, espera, espere, espera aí, um momento, um instante, um segundo, não, desculpe,
        desculpa, com licença, alô, olá, socorro, ajuda, silêncio, escuta, escute, mas, cancela,
        cancele, repete, repita, de novo, outra vez, o que, quem, como, por que, quando, onde,
        quanto, pergunta, atendente, peraí, errado
    """),
    greetings=Phrases("olá, oi, bom dia, boa tarde, boa noite, alô"),
    embedding=Phrases("dizer, me dizer, dizer me, sabe, saber, explicar, verificar"),
    offers=Phrases("mais alguma coisa, algo mais, outra coisa, alguma dúvida, ajudar, ajudá lo, ajudá la"),
    noes=Phrases("não, nada"),
    asks_number=Phrases("""
        número, telefone, celular, código, pin, senha, dígitos, cep, cpf, data de nascimento
    """),
    card_numbers=Phrases("número do cartão, cartão"),
    phone_numbers=Phrases("número de telefone, telefone, celular, telemóvel"),
    units=frozenset(split("zero um uma dois duas três quatro cinco seis meia sete oito nove")),
    teens=frozenset(
        split("""
            dez onze doze treze catorze quatorze quinze dezesseis dezasseis dezessete dezassete
            dezoito dezenove dezanove
        """)
    ),
    tens=frozenset(split("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa")),
    joiners=frozenset({"e"}),
    repeats=frozenset({"duplo"}),
)

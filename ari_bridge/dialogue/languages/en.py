"""English."""

from ari_bridge.dialogue.languages.base import HESITATIONS, SOUNDS, Language
from ari_bridge.dialogue.words import Phrases, split

_OPEN = "what, what's, which, who, who's, whose, when, when's, where, where's, why, how, how's"
_UNITS = "zero oh one two three four five six seven eight nine"

LANGUAGE = Language(
    name="en",
    hesitations=HESITATIONS
    | Phrases("""
        let me see, let's see, let me think, let me check, let me look, one moment, one second, just
        a moment, just a second, hang on, you know, i mean, sort of, kind of, how do i say
    """),
    opening=Phrases("well, like, look, listen, yes well, no well, yes um, no um"),
    hanging=Phrases("""
        also, only, and, or, but, because, if, as, while, and then, although, unless, until, since,
        a, an, the, my, your, his, its, our, their, every, each, i, i'm, i've, i'd, i'll, we're,
        they're, he's, she's, it's, that's, there's, of, into, onto, between, during, under, per,
        via, by, without, whether, very, want, want to, need to, have to, like to, going to, gonna,
        wanna, trying to, able to, wondering if, my number is, the number is, my name is, name's,
        the code is, the address is, would like, i would, can you, could you, would you, can i,
        could i, may i, do you, did you, will you, is it, is there, are there, i think, i guess, i
        believe, yes but, no but, yes and, the thing is, what about, mr, mrs, ms, what's, what is,
        where's, where is, who is
    """),
    particles=Phrases("""
        to, for, with, at, from, about, after, before, like, is, are, was, were, am, has, had,
        should, must, might
    """),
    questions=Phrases(
        _OPEN,
        """
        can you, could you, would you, will you, do you, did you, have you, are you, can i, could i,
        may i, should i, do i, am i, is it, is there, is the, is that, is this, are there, are the,
        does, did, has
    """,
    ),
    open_questions=Phrases(
        _OPEN,
        """
        could you tell me, can you tell me, would you tell me, please tell me, say
    """,
    ),
    answers=Phrases("""
        yes, yeah, yep, yup, yes please, yes it is, yes i am, yes i do, yes that's right, yes that's
        correct, no, nope, nah, no thanks, no thank you, no it's not, no it isn't, no i don't, no
        i'm not, not really, correct, right, that's right, that's correct, exactly, sure, of course,
        certainly, absolutely, okay, ok, fine, that's fine, alright, all right, i do, i don't, i am,
        it is, it isn't, please do, maybe, never, uh huh, mm hmm, mhm, not yet, i don't know, i'm
        not sure, definitely
    """),
    closings=Phrases("""
        thank you, thanks, thank you very much, thanks a lot, please thank you, that's all, that's
        it, that is all, goodbye, bye, bye bye, have a nice day, nothing else, that would be great,
        that'd be great, no more, please
    """),
    listening=SOUNDS
    | Phrases("""
        yeah, yes, yep, yup, right, i see, sure, all right, alright, got it, gotcha, go on, fine,
        good, great, cool, nice, really, wow, true, exactly, of course, okay then, oh i see, oh
        okay, makes sense, perfect, i understand, understood, interesting, thanks, thank you, uh,
        um, uhm, er
    """),
    urgent=Phrases("""
        stop, wait, no, nope, hold on, hang on, excuse me, pardon, sorry, one moment, one second,
        hello, help, operator, quiet, shut up, be quiet, listen, but, actually, never mind, cancel,
        repeat, again, not, don't, what, who, why, when, where, how, question
    """),
    greetings=Phrases("hello, hi, hey, hello there, good morning, good afternoon, good evening"),
    embedding=Phrases("tell me, tell us, know, say, explain, check, find out, remember, let me know"),
    offers=Phrases("""
        anything else, something else, any other, any questions, any other questions, help, help
        you, do for you
    """),
    noes=Phrases("no, nope, nah, not, nothing"),
    asks_number=Phrases("""
        number, phone number, code, pin, digits, digit, postcode, post code, zip, zip code, date of
        birth
    """),
    card_numbers=Phrases("card number, card, credit card, debit card"),
    phone_numbers=Phrases("phone number, telephone number, mobile number, cell phone, call you back on"),
    units=frozenset(split(_UNITS)),
    teens=frozenset(split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")),
    tens=frozenset(split("twenty thirty forty fifty sixty seventy eighty ninety")),
    repeats=frozenset({"double"}),
)

from __future__ import annotations

from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench


def test_an_entry_ends_with_its_pause_its_length_or_its_terminator() -> None:
    keypad = Keypad(pause_s=2.0, digits_max=4)
    assert [keypad.press(key, at_s) for at_s, key in enumerate("471")] == [0, 1, 2]
    assert (keypad.entry, keypad.ends_s) == ("471", 4.0)
    keypad.press("#", 3.0)
    assert (keypad.entry, keypad.ends_s) == ("471", 3.0)
    keypad.close()
    for at_s, key in enumerate("1234"):
        keypad.press(key, at_s)
    assert (keypad.entry, keypad.ends_s) == ("1234", 3.0)


def test_a_lone_terminator_is_a_digit() -> None:
    keypad = Keypad(pause_s=2.0, digits_max=4)
    keypad.press("#", 1.0)
    assert (keypad.entry, keypad.ends_s) == ("#", 1.0)


def keying(**turns: object) -> Bench:
    return Bench(
        TurnSettings.model_validate(
            {"digit_pause_ms": 1500, "end_of_turn": "fixed", "end_of_turn_ms": 500, **turns}
        )
    )


def test_digits_are_gathered_into_one_entry() -> None:
    bench = keying()
    for key in "4711":
        bench.presses(key)
        bench.wait(1.0)
    assert bench.rounds == []
    bench.wait(0.6)
    assert bench.history == ["caller: [digits 4711]"]
    assert bench.told_of(LiveKind.DIGIT) == list("4711")


def test_the_terminator_ends_the_waiting() -> None:
    bench = keying()
    for key in "42#":
        bench.presses(key)
    assert bench.history == ["caller: [digits 42]"]


def test_the_first_digit_interrupts_and_the_rest_belongs_to_it() -> None:
    bench = keying()
    bench.greet("Please enter your order number and then the key with the hash.")
    bench.wait(1.0)
    for key in "42":
        bench.presses(key)
        bench.wait(0.5)
    assert bench.paused or bench.heard == bench.queued
    bench.presses("#")
    assert bench.history == ["agent: Please enter your -", "caller: [digits 42]"]


def test_speech_and_digits_make_one_turn() -> None:
    bench = keying()
    bench.voice(0.6)
    bench.presses("7")
    bench.presses("8")
    bench.voice(0.6)
    bench.wait(0.5)
    bench.understood("my number is")
    bench.understood("that is it")
    assert bench.history == ["caller: my number is [digits 78] that is it"]


def test_without_a_pause_each_digit_is_answered_at_once() -> None:
    bench = Bench()
    bench.presses("1")
    assert bench.state is State.THINKING
    assert bench.history == ["caller: [digit 1]"]

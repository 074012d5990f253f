"""The comparison of what is so with what is believed: each kind of finding, and what is left alone."""

from __future__ import annotations

from typing import Any

from ari_bridge.pbx.events import Channel
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.resync import Believed, Findings, Seen, compare

NAMES = Names("voice")
CALL = new_call_id()
LEG, BRIDGE = NAMES.leg(CALL), NAMES.bridge(CALL)
OURS = Believed(CALL, "caller", LEG, BRIDGE, leg_entered=True)


def channel(id: str, app_name: str = "Stasis", app_data: str = "voice,agent=a", state: str = "Up") -> Channel:
    return Channel(id, state=state, app_name=app_name, app_data=app_data)


WHOLE = (channel("caller"), channel(LEG))


def find(*channels: Channel, before: tuple[Believed, ...] = (OURS,), **given: Any) -> Findings:
    seen = Seen(
        {each.id: each for each in channels},
        given.get("bridges", {BRIDGE: frozenset({"caller", LEG})}),
        frozenset(given.get("in_app", ())),
    )
    return compare(seen, before, NAMES, "voice", live=given.get("live", ()))


def test_a_call_that_is_still_there_is_no_finding() -> None:
    assert find(*WHOLE) == Findings()


def test_a_caller_or_a_leg_that_is_gone() -> None:
    assert find(channel(LEG)).gone == ["caller"]
    assert find(channel("caller")).gone == [LEG]


def test_a_leg_that_is_still_being_made_is_not_gone() -> None:
    young = Believed(CALL, "caller", LEG, BRIDGE, leg_entered=False)
    assert find(channel("caller"), before=(young,)) == Findings()


def test_a_leg_that_came_unheard_has_come_as_soon_as_asterisk_says_where_it_is() -> None:
    young = Believed(CALL, "caller", LEG, BRIDGE, leg_entered=False, awaited_ids=(LEG,))
    assert find(*WHOLE, before=(young,)).entered == [WHOLE[1]]
    ringing = channel(LEG, "AppDial2", "(Outgoing Line)", state="Down")
    assert find(channel("caller"), ringing, before=(young,), in_app={LEG}).entered == []
    assert find(channel("caller"), channel(LEG, ""), before=(young,), in_app={LEG}).entered == []


def test_a_caller_who_is_elsewhere_in_the_dialplan_has_left() -> None:
    assert find(channel("caller", "Dial", "PJSIP/6001"), channel(LEG)).gone == ["caller"]
    assert find(channel("caller", app_data="other,agent=a"), channel(LEG)).gone == ["caller"]


def test_asterisk_16_does_not_say_where_a_channel_is_but_who_is_in_the_application() -> None:
    silent = [channel(id, "", "") for id in ("caller", LEG, "other")]
    assert find(*silent, in_app={"caller", LEG}) == Findings()
    assert find(*silent, in_app={"caller", LEG, "other"}).waiting == [silent[2]]


def test_somebody_in_the_callers_place_is_a_transfer_and_not_an_end() -> None:
    heir = channel("Local/1;1", "AppDial2", "")
    found = find(heir, channel(LEG), in_app={heir.id, LEG}, bridges={BRIDGE: frozenset({heir.id, LEG})})
    assert (found.replaced, found.gone, found.waiting) == ([(heir, "caller")], [], [])


def test_a_spy_in_our_bridge_is_no_heir() -> None:
    spy = channel("spy", "ChanSpy", "")
    found = find(spy, channel(LEG), bridges={BRIDGE: frozenset({"spy", LEG})})
    assert (found.replaced, found.gone) == ([], ["caller"])


def test_who_waits_in_our_application_and_in_no_other() -> None:
    late = channel("late")
    found = find(*WHOLE, late, channel("theirs", app_data="voice-b,agent=a"), channel("x", "Dial", "voice"))
    assert found.waiting == [late]


def test_orphans_are_ours_by_name_and_strangers_are_not() -> None:
    dead = new_call_id()
    channels = [channel(id) for id in (NAMES.leg(dead), f"{BRIDGE[: -len(CALL)]}{dead}-snoop")]
    strangers = [channel(Names("voice-b").leg(dead), app_data="voice-b")]
    bridges = {
        BRIDGE: frozenset(),
        NAMES.bridge(dead): frozenset(),
        Names("voice-b").bridge(dead): frozenset(),
    }
    found = find(*WHOLE, *channels, *strangers, bridges={id: frozenset[str]() for id in bridges})
    assert found.orphan_channels == [each.id for each in channels]
    assert found.orphan_bridges == [NAMES.bridge(dead)]


def test_a_person_who_was_handed_over_to_the_dialplan_is_no_orphan() -> None:
    person = NAMES.part(new_call_id(), "party1")
    assert find(*WHOLE, channel(person, "AppDial", "")).orphan_channels == []
    talking = channel(person, "", "")  # as Asterisk shows one in Bridge(), whom the application still has
    dialplans = {"a-bridge": frozenset({person, "somebody"})}
    assert find(*WHOLE, talking, in_app={person}, bridges=dialplans).orphan_channels == []
    assert find(*WHOLE, talking).orphan_channels == []
    assert find(*WHOLE, channel(person)).orphan_channels == [person]
    assert find(*WHOLE, channel(person, "", "", "Ringing")).orphan_channels == [person]


def test_asterisk_16_tells_who_waits_for_a_dead_call_by_the_application_and_the_bridges() -> None:
    dead = new_call_id()
    person = NAMES.part(dead, "party1")
    waits = channel(person, "", "")
    assert find(*WHOLE, waits, in_app={person}).orphan_channels == [person]
    left_over = {NAMES.bridge(dead): frozenset({person, NAMES.leg(dead)})}
    assert find(*WHOLE, waits, in_app={person}, bridges=left_over).orphan_channels == [person]


def test_our_own_guest_in_the_bridge_is_no_heir() -> None:
    person = NAMES.part(CALL, "party1")
    found = find(
        channel(person), channel(LEG), in_app={person, LEG}, bridges={BRIDGE: frozenset({person, LEG})}
    )
    assert (found.replaced, found.gone) == ([], ["caller"])


def test_a_call_that_began_during_the_look_has_no_orphans() -> None:
    assert find(channel(LEG), before=(), live={CALL}) == Findings()


def test_a_call_that_ended_during_the_look_has_none_either() -> None:
    """It deletes its leg itself; if that fails, the next look finds it."""
    found = find(*WHOLE, live=())
    assert (found.orphan_channels, found.orphan_bridges) == ([], [])

"""ARIBRIDGECAUSE: all words there are beside the names of destinations. docs/dialplan.md lists them."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Cause(StrEnum):
    # the call ran its course
    AGENT = "AGENT"
    """The agent said goodbye."""
    CONTINUE = "CONTINUE"
    """The agent gave the call back to the dialplan."""
    CALLER = "CALLER"
    """The caller hung up."""
    MAX_DURATION = "MAX_DURATION"
    """The call took as long as it may; the agent said goodbye."""

    NO_INPUT = "NO_INPUT"
    """The caller said nothing, and did not answer when asked; the agent said goodbye."""

    # it was not taken; the caller was not answered
    BUSY = "BUSY"
    """As many calls as may be were there."""
    TOO_MANY_PER_SECOND = "TOO_MANY_PER_SECOND"
    """More calls came at once than may."""
    DRAINING = "DRAINING"
    """The service is about to stop."""
    UNKNOWN_AGENT = "UNKNOWN_AGENT"
    """There is no agent of the name that Stasis(), AI_AGENT or [routes] gave."""

    # a call that we placed reached nobody
    NO_ANSWER = "NO_ANSWER"
    USER_BUSY = "USER_BUSY"
    REJECTED = "REJECTED"
    """It was declined."""
    UNREACHABLE = "UNREACHABLE"
    """No such number, no route, a trunk that is full."""
    MACHINE = "MACHINE"
    """AMD() heard one."""
    NO_AGENT = "NO_AGENT"
    """It was answered, and over before an agent had it."""

    # the service ended before the call
    SHUTDOWN = "SHUTDOWN"
    STRANDED = "STRANDED"
    """The caller waited in Stasis for a service that had died."""

    # Asterisk would not
    INSPECT_FAILED = "INSPECT_FAILED"
    ANSWER_FAILED = "ANSWER_FAILED"
    MEDIA_LEG_FAILED = "MEDIA_LEG_FAILED"
    MEDIA_LEG_TIMEOUT = "MEDIA_LEG_TIMEOUT"
    MEDIA_LEG_LOST = "MEDIA_LEG_LOST"
    BRIDGE_FAILED = "BRIDGE_FAILED"
    NO_SUCH_DESTINATION = "NO_SUCH_DESTINATION"
    """The dialplan has no such place as the agent's destination names."""
    ASTERISK_FAILED = "ASTERISK_FAILED"
    """Something else that was asked of Asterisk in the middle of a call."""

    # something on our side would not
    MEDIA_PORT_FAILED = "MEDIA_PORT_FAILED"
    MEDIA_FAILED = "MEDIA_FAILED"
    PROVIDER_STT = "PROVIDER_STT"
    PROVIDER_LLM = "PROVIDER_LLM"
    PROVIDER_TTS = "PROVIDER_TTS"
    PROVIDER_SPEECH = "PROVIDER_SPEECH"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    SETTINGS = "SETTINGS"
    INTERNAL = "INTERNAL"
    """A bug; the log has a traceback."""

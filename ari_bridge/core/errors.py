"""Every error the product raises on purpose, split by who was wrong.

    AriBridgeError
    ├── SettingsError            the operator: a setting is missing, misspelt or impossible
    ├── AsteriskError            the PBX, or the way to it
    │   ├── AsteriskUnreachable      nobody answers at that address
    │   │   └── ConnectionBroke          ... any more: the answer to a request was lost
    │   ├── AsteriskRefused          it answers, but not to us (user, password, TLS, app not allowed)
    │   ├── AppReplaced              another program took over our Stasis application
    │   ├── NotReady                 no call can be placed now (draining, no events, no room)
    │   └── RequestFailed            one REST request was refused (has .status)
    │       └── Gone                 ... because the channel or bridge is no longer there
    ├── ProviderError            a speech or language engine (has .retryable, .fault)
    ├── ToolError                a tool a model may call (has .happened, .retryable)
    ├── StoreError               what must be written down first cannot be
    ├── MediaError               the caller's media or the way to it
    │   ├── PortTaken                the UDP port is in use
    │   ├── MediaProcessDied         the media process ended
    │   └── PortClosed               the call's media port was closed; no more audio
    ├── SandboxError             the private Asterisk for demo and tests could not be had or run
    └── InternalError            us: a rule of our own was broken

The text of each is one line that names the thing to mend; `ari-bridge` prints it and exits with
`exit_code`, without a traceback.
"""

from __future__ import annotations

from enum import Enum


class AriBridgeError(Exception):
    """Root of the tree. `exit_code` follows sysexits.h."""

    exit_code: int = 1


class SettingsError(AriBridgeError):
    exit_code = 78  # EX_CONFIG


class AsteriskError(AriBridgeError):
    exit_code = 69  # EX_UNAVAILABLE


class AsteriskUnreachable(AsteriskError):
    pass


class ConnectionBroke(AsteriskUnreachable):
    """Nobody knows whether what was asked for was done."""


class AsteriskRefused(AsteriskError):
    exit_code = 77  # EX_NOPERM


class AppReplaced(AsteriskError):
    """To start again would be to throw out the other program, which might do the same: systemd's unit names
    this code in RestartPreventExitStatus."""

    exit_code = 76


class NotReady(AsteriskError):
    """It may be otherwise soon: ask again later."""

    exit_code = 75  # EX_TEMPFAIL


class RequestFailed(AsteriskError):
    """A REST request was answered with an error.

    `status` is the HTTP status, 0 when no answer came in time.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Gone(RequestFailed):
    """The channel or bridge has ended: teardown goes on, nothing is retried."""


class Fault(Enum):
    """How an engine failed."""

    UNREACHABLE = "unreachable"
    """It cannot be connected to, or broke off."""
    BUSY = "busy"
    """Too much is asked of it just now, or of our account with it."""
    STALLED = "stalled"
    """It kept us waiting."""
    FAILED = "failed"
    """It failed by its own account, or answered nonsense or nothing."""
    REFUSED = "refused"
    """It will not do it, and would not if it were asked again."""


class ProviderError(AriBridgeError):
    """A speech or language engine failed. `retryable` tells whether the same request may work later."""

    exit_code = 69

    def __init__(self, message: str, *, retryable: bool, fault: Fault | None = None) -> None:
        """`fault`: FAILED when unset, or REFUSED where trying again is of no use."""
        super().__init__(message)
        self.retryable = retryable
        self.fault = fault or (Fault.FAILED if retryable else Fault.REFUSED)


class ToolError(AriBridgeError):
    """A tool did not do what it was called for. The text may be told to a model.

    `happened` tells whether it may have done it all the same; `retryable` whether the same call may work
    soon.
    """

    exit_code = 69

    def __init__(self, message: str, *, happened: bool, retryable: bool = False) -> None:
        super().__init__(message)
        self.happened = happened
        self.retryable = retryable


class StoreError(AriBridgeError):
    exit_code = 74  # EX_IOERR


class MediaError(AriBridgeError):
    exit_code = 69


class PortTaken(MediaError):
    pass


class MediaProcessDied(MediaError):
    pass


class PortClosed(MediaError):
    pass


class SandboxError(AriBridgeError):
    exit_code = 69


class InternalError(AriBridgeError):
    exit_code = 70  # EX_SOFTWARE

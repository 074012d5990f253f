"""How good the caller's audio is for our side, as a mean opinion score from 1 to 4.5: the E-model.

    R = R0 - Idd(delay) - Ie,eff(codec, loss)            MOS = f(R)

ITU-T G.107 for narrowband codecs, with its default values for all that a network cannot know (R0 = 93.2);
ITU-T G.107.1 for wideband ones, whose scale reaches R = 129 and is mapped to a MOS by R / 1.29. The two are
scores of two scales: a clean narrowband call has 4.41, a clean wideband call 4.5.

Loss is what did not play in time: lost on the way, or too late. The delay is our own, jitter buffer and
frame; the network's is not in the packets, and adds nothing until the sum is beyond 100 ms.
"""

from __future__ import annotations

import math

_R0 = 93.2
_R0_WIDEBAND = 129.0
_WIDEBAND_SCALE = 1.29
_IE_WIDEBAND = {"g722": 13.0}
"""G.113, Appendix IV: G.722 at 64 kbit/s. Linear PCM has none."""
_BPL = 25.1
"""Robustness against loss of G.711 with concealment (G.113, Appendix I). None is published for linear PCM;
we conceal all codecs alike."""
_DELAY_MIN_MS = 100.0
"""Delay that nobody notices (mT)."""


def delay_impairment(delay_ms: float) -> float:
    """Idd of G.107 (section 7.4), for a listener of the default delay sensitivity."""
    if delay_ms <= _DELAY_MIN_MS:
        return 0.0
    x = math.log2(delay_ms / _DELAY_MIN_MS)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


def loss_impairment(ie: float, loss: float) -> float:
    """Ie,eff of G.107 (section 7.5) at random loss; `loss` from 0 to 1."""
    percent = 100 * loss
    return ie + (95 - ie) * percent / (percent + _BPL)


def score(rating: float) -> float:
    """MOS of an R on the narrowband scale (G.107, annex B)."""
    r = min(max(rating, 0.0), 100.0)
    # The cubic dips below 1 for the worst of ratings; no listener can.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mos(codec: str, *, wideband: bool, loss: float, delay_ms: float) -> float:
    """The score of a leg. `codec` is Asterisk's format name, `loss` goes from 0 to 1."""
    idd = delay_impairment(delay_ms)
    if wideband:
        ie = loss_impairment(_IE_WIDEBAND.get(codec, 0.0), loss)
        return score((_R0_WIDEBAND - idd - ie) / _WIDEBAND_SCALE)
    return score(_R0 - idd - loss_impairment(0.0, loss))

"""Time as a value: seconds on CLOCK_MONOTONIC, which all processes of a machine share.

Cores take `now` as an argument; shells take a `Clock` and pass what it returns. Tests pass a clock
they turn by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]

monotonic_s: Clock = time.monotonic

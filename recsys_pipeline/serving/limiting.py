"""How much one caller may ask: a sliding window of a minute, counted in two numbers a caller.

The library `limits` does the same in 20 microseconds a request and starts a thread every 10 ms to
sweep its counters; this takes less than one, and never holds more than two minutes' callers.
"""

import math
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

WINDOW = 60.0
"""Seconds."""
_CALLERS = 100_000
"""Callers of one minute that are told apart; further ones share one count."""
_REST = "*"
_ROUNDING = 1e-9


class Verdict(NamedTuple):
    """What a caller is told.

    Attributes:
        allowed: whether this request may pass.
        remaining: requests that may follow now.
        seconds: until the count is lower again, whole and at least 1; how long to wait where it
            is not allowed.
    """

    allowed: bool
    remaining: int
    seconds: int


class Limiter:
    """Counts requests of callers, of one event loop (it is not safe between threads).

    The last 60 seconds hold what this minute counted, and of the minute before the share that
    still lies within them, as if it had come evenly (the "sliding window counter"). No minute of
    the clock sees more than is allowed; where all came at once, 60 seconds across two minutes may
    see nearly twice that.

    Args:
        per_minute: requests of one caller; 0 is any number, and nothing is counted.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._window = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    @property
    def policy(self) -> str:
        """The value of the header RateLimit-Policy."""
        return f'"minute";q={self.per_minute};w={WINDOW:.0f}'

    def take(self, caller: str, seconds: float) -> Verdict:
        """Count one request, unless it is one too many.

        Args:
            caller: who asks.
            seconds: of a clock that never goes back.
        """
        limit = self.per_minute
        window, into = divmod(seconds, WINDOW)
        if window != self._window:
            self._turn(int(window))
        now = self._now
        if caller not in now and len(now) >= _CALLERS:
            caller = _REST
        count = now.get(caller, 0)
        before = self._before.get(caller, 0)
        used = count + before * (1 - into / WINDOW)
        if used + 1 > limit + _ROUNDING:
            return Verdict(False, 0, self._wait(count, before, into))
        now[caller] = count + 1
        return Verdict(True, int(limit - used - 1 + _ROUNDING), math.ceil(WINDOW - into))

    def _turn(self, window: int) -> None:
        self._before = self._now if window == self._window + 1 else {}
        self._now = {}
        self._window = window

    def _wait(self, count: int, before: int, into: float) -> int:
        """Seconds until one more request fits, if none comes in between."""
        room = self.per_minute - 1
        if count <= room:
            until = WINDOW * (1 - (room - count) / before) - into
        else:
            until = WINDOW - into + WINDOW * (1 - room / count)
        return max(1, math.ceil(until))


def caller_of(address: str) -> str:
    """Who is counted as one where there are no keys: an address, or its network where it is IPv6.

    Whoever has one address of version 6 has the 2⁶⁴ of its network.
    """
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{parsed.packed[:8].hex()}/64"

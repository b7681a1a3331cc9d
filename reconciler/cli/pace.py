"""How far something is, how fast it goes, how long it will take: numbers, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Pace:
    """One thing that is being done.

    Attributes:
        what: in words, on one line: "reading project shop".
        done: how many are done.
        of: how many there are.
        seconds: since it began.
    """

    what: str
    done: int
    of: int
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self.done >= self.of

    @property
    def count(self) -> str:
        """How many of how many."""
        return f"{self.done:,} of {self.of:,}"

    @property
    def rate(self) -> str:
        """How many in a second, in a minute where that is less than one; "" where nobody can tell yet."""
        if not self.done or self.seconds <= 0:
            return ""
        a_second = self.done / self.seconds
        if a_second >= 1:
            return f"{a_second:,.0f}/s"
        return f"{a_second * _MINUTE:.0f}/min" if a_second * _MINUTE >= 1 else f"{a_second * _HOUR:.0f}/h"

    @property
    def left(self) -> str:
        """How long the rest will take at this rate; "" where nobody can tell yet."""
        if not self.done or self.ended or self.seconds <= 0:
            return ""
        return f"{span(self.seconds / self.done * (self.of - self.done))} left"


def span(seconds: float) -> str:
    """Return a time in words, as exact as anybody wants to know it: "8 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(1, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s".removesuffix(" 0 s")
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE} min".removesuffix(" 0 min")

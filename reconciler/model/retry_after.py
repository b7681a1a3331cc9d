"""`Retry-After` of an HTTP answer (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import email.utils


def retry_after(value: str | None, now: float) -> float | None:
    """Read `Retry-After`, seconds or a date, as seconds from `now`; None where there is none that can be read.

    `now`: seconds since 1970.
    """
    text = (value or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - now)

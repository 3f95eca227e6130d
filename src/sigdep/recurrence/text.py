"""Dates and times in the basic form of iCalendar (RFC 5545 §3.3.4, §3.3.5): 19970714, 19970714T133000Z."""

import re
from datetime import UTC, date, datetime
from typing import Final

_MOMENT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z)?)?", re.ASCII)


def read_moment(text: str) -> datetime | date | None:
    """A date, a naive time or a time in UTC; None for what is none of these."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in range(1, 7))
    try:
        if found[4] is None:
            return date(year, month, day)
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC if found[7] else None)
    except ValueError:
        return None


def write_moment(moment: datetime | date) -> str:
    """What `read_moment` reads. Fractions of a second have no place in iCalendar."""
    text = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    if not isinstance(moment, datetime):
        return text
    return f"{text}T{moment.hour:02}{moment.minute:02}{moment.second:02}{'Z' if moment.tzinfo else ''}"

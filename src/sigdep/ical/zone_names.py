"""Which IANA zone is meant by what a calendar calls it."""

import re
from typing import Final

from sigdep.ical.windows_zones import WINDOWS_ZONES
from sigdep.recurrence.zones import UnknownZone, zone_named

NAME_CHARACTERS_MAX: Final = 200
PARTS_MAX: Final = 3
"""America/Argentina/Salta."""

_OF_THIS_MACHINE: Final = {"LOCALTIME", "POSIXRULES", "FACTORY"}
_WITH_OTHER_SECONDS: Final = ("posix", "right")
_OFFSET: Final = re.compile(r"\(?(?:UTC|GMT)(?:([+-])(\d{1,2})(?::?00)?)?\)?", re.ASCII | re.IGNORECASE)
_WINDOWS: Final = {name.casefold(): zone for name, zone in WINDOWS_ZONES.items()}


def zone_called(name: str) -> str | None:
    """The zone of an IANA name, also at the end of a path (`/mozilla.org/20050126_1/Europe/Berlin`), of a Windows name
    or of whole hours (`UTC+01:00`). None for all else."""
    name = name.strip().strip('"').strip()
    if not name or len(name) > NAME_CHARACTERS_MAX:
        return None
    return _iana(name) or _WINDOWS.get(name.casefold()) or _of_hours(name) or _at_the_end(name)


def _iana(name: str) -> str | None:
    if name.upper() in _OF_THIS_MACHINE or name.startswith(_WITH_OTHER_SECONDS):
        return None
    if name.upper() in ("UTC", "Z", "ETC/UTC"):
        return "UTC"
    try:
        return zone_named(name).key
    except UnknownZone:
        return None


def _of_hours(name: str) -> str | None:
    found = _OFFSET.fullmatch(name)
    if found is None:
        return None
    hours = int(found[2] or 0)
    if not hours:
        return "UTC"
    # The signs of Etc are those of POSIX: west is positive.
    return _iana(f"Etc/GMT{'-' if found[1] == '+' else '+'}{hours}")


def _at_the_end(name: str) -> str | None:
    parts = name.split("/")
    for length in range(min(PARTS_MAX, len(parts) - 1), 1, -1):
        if zone := _iana("/".join(parts[-length:])):
            return zone
    return None

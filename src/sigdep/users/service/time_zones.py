"""Which time zones there are."""

from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from sigdep.kernel.errors import Invalid

_NO_PLACES: Final = frozenset(("Factory", "localtime", "posixrules"))


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names of the IANA database. Read from the disk once, and only when somebody needs it."""
    return frozenset(available_timezones() - _NO_PLACES)


def check_time_zone(name: str) -> None:
    """
    Raises:
        Invalid: there is no such time zone.
    """
    if name not in time_zones():
        raise Invalid.at("/time_zone", "This is no time zone of the IANA database, as in Europe/London.")

"""Which release of the time zone database this machine has: with another one, rows may lie at other instants."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from zoneinfo import TZPATH

_COMPILED_FROM: Final = "tzdata.zi"
_FIRST_LINE: Final = "# version "


def zones_release() -> str:
    """As in `2026a`; empty where nobody says."""
    for folder in TZPATH:
        source = Path(folder) / _COMPILED_FROM
        if source.is_file():
            with source.open(encoding="utf-8", errors="replace") as lines:
                return lines.readline().removeprefix(_FIRST_LINE).strip()
    try:
        return version("tzdata")
    except PackageNotFoundError:
        return ""

"""The clock of this process, where no other one shares its work, and the edition of the zones that it reckons by."""

import zoneinfo
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sigdep.http.stamps import utc_now


class ProcessClock:
    """A Clock. It leaps when somebody sets it, and whoever asks it must bear that."""

    async def now(self) -> datetime:
        return utc_now()


def zone_edition() -> str:
    """Of the time-zone data in use, as in `2026b`. Another one means that instants may have to be reckoned anew."""
    for folder in zoneinfo.TZPATH:
        source = Path(folder) / "tzdata.zi"
        if source.is_file():
            with source.open(encoding="utf-8") as file:
                return file.readline().removeprefix("# version").strip()
        if (Path(folder) / "UTC").exists():
            return f"of {Path(folder, 'UTC').stat().st_mtime_ns}"
    return version("tzdata")  # The package's are used where the system has none.

"""Where the services of a running `sigdep cluster` keep what they keep: told to the commands that look at it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

SERVICES: Final = "services.json"
"""In the cluster's folder, while it runs. No password is in it: every user of the machine may read the databases."""


class NoCluster(Exception):
    """None runs on that folder. The text says what to do."""


class Place(Struct, frozen=True, kw_only=True):
    """Of one service."""

    database_url: str
    keys_url: str
    secrets_dir: str
    log: str
    """Where the service that keeps its context's log answers."""

    def variables(self, role: str) -> Mapping[str, str]:
        """The settings of that service, as far as they say this."""
        return {
            "SIGDEP_DATABASE_URL": self.database_url,
            "SIGDEP_KEYS_URL": self.keys_url,
            "SIGDEP_SECRETS_DIR": self.secrets_dir,
            variable_of(writer_of(role)): self.log,
        }


def write_places(data: Path, places: Mapping[str, Place]) -> None:
    (data / SERVICES).write_bytes(msgspec.json.format(msgspec.json.encode(places)))


def forget_places(data: Path) -> None:
    (data / SERVICES).unlink(missing_ok=True)


def read_places(data: Path) -> Mapping[str, Place]:
    """By their roles.

    Raises:
        NoCluster: none runs there.
    """
    try:
        return msgspec.json.decode((data / SERVICES).read_bytes(), type=dict[str, Place])
    except FileNotFoundError:
        raise NoCluster(f"No `sigdep cluster` runs on {data}. Start it, or name its folder with --data-dir.") from None


def writer_of(role: str) -> str:
    """The service that keeps the log of its context."""
    return f"{role.partition('.')[0]}.write"


def variable_of(role: str) -> str:
    """The setting that says where it is."""
    return f"SIGDEP_{role.replace('.', '_').upper()}"

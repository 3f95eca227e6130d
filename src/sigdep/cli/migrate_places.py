"""The places that `sigdep migrate` is told: data folders, and addresses of databases."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sigdep.cli.options import USAGE, fail
from sigdep.services.data_folder import LOGS, DataFolder

URL_PREFIXES: Final = ("postgresql://", "postgres://")

LOG_SCHEMA: Final = "log"
"""Of a database that belongs to one service."""

CONTEXT: Final = "{context}"
"""In a URL: stands for the name of each context."""


@dataclass(frozen=True)
class Places:
    """What has been typed."""

    source: str
    target: str
    source_keys: str
    target_keys: str
    secrets: Path | None

    def check(self, given_keys: tuple[str | None, str | None]) -> None:
        """End the command if that makes no sense."""
        if self.source == self.target:
            fail("--from and --to are the same place.", USAGE)
        for place, keys in zip((self.source, self.target), given_keys, strict=True):
            if keys and not is_url(place):
                fail("A data folder has its keys in it: --from-keys and --to-keys belong to a database.", USAGE)
            if CONTEXT in (keys or place) and is_url(place):
                fail("The keys are in one database: name it with --from-keys or --to-keys.", USAGE)
        if is_url(self.source) != is_url(self.target) and self.secrets is None:
            fail("A database does not hold the secrets: name the folder that does, or shall, with --secrets.", USAGE)
        if (is_url(self.source) or is_url(self.target)) and find_spec("asyncpg") is None:
            fail("The driver for PostgreSQL is missing. Run: pip install 'sigdep[postgres]'", USAGE)

    @property
    def source_secrets(self) -> Path | None:
        """Where they come from. None: from one database to another, and nobody has said."""
        return self.secrets if is_url(self.source) else DataFolder(Path(self.source)).secrets


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where PostgreSQL holds an installation: a database for each log, or one with a schema for each."""

    logs: str
    """With CONTEXT in it: each log is in a database of its own, as services have it. Else all are in this one."""
    keys: str
    """May be the same. With a database of its own the keys have backups of their own."""

    def log(self, context: str) -> tuple[str, str]:
        """Address and schema of a context's log."""
        if CONTEXT in self.logs:
            return self.logs.replace(CONTEXT, context), LOG_SCHEMA
        return self.logs, context

    def schemas_by_url(self) -> dict[str, list[str]]:
        """The schemas of each database that has logs."""
        found: dict[str, list[str]] = {}
        for context in LOGS:
            url, schema = self.log(context)
            found.setdefault(url, []).append(schema)
        return found


def is_url(where: str) -> bool:
    return where.startswith(URL_PREFIXES)


def shown(where: str) -> str:
    """The place without the password that may be in its URL."""
    if not is_url(where):
        return where
    parts = urlsplit(where)
    return f"{parts.hostname or 'localhost'}{parts.path}"

"""Places for whole installations, and pauses that are not waited for."""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from sigdep.services import back_off
from sigdep.testing.servers import PostgreSQL
from tests.services.installations import Database, Folder, Installation, NewPlace

_numbers = count(1)

Pauses = list[float]
"""Seconds of each, in order."""


@pytest.fixture(scope="session")
def installations_dsn(postgresql_server: PostgreSQL) -> Iterator[str]:
    """One database for all installations of a server: what is in their schemas is theirs."""
    name = postgresql_server.create_database()
    yield postgresql_server.dsn(name)
    postgresql_server.drop_database(name)


@pytest.fixture
def new_place(tmp_path: Path, installations_dsn: str) -> NewPlace:
    """Gives an empty place of a kind: `folder` or `database`."""

    def new(kind: str) -> Installation:
        number = next(_numbers)
        return Folder(tmp_path / f"{number}") if kind == "folder" else Database(installations_dsn, f"moved{number}")

    return new


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Those between attempts at what is away, which all take a moment now."""
    taken = Pauses()
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        taken.append(seconds)
        await sleep(0.005)

    monkeypatch.setattr(back_off, "asyncio", SimpleNamespace(sleep=quick))
    return taken

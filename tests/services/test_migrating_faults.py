"""A move that is interrupted, goes to the wrong place, or is tampered with."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from os import urandom
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.postgres.event_copying import PostgresLogCopy
from sigdep.adapters.postgres.key_copying import PostgresKeyCopy
from sigdep.adapters.sqlite.event_copying import SqliteLogCopy
from sigdep.adapters.sqlite.key_copying import SqliteKeyCopy
from sigdep.kernel import log_copy
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.log_copy import TargetTaken
from sigdep.services.copy_proof import CopyDiffers
from sigdep.services.migrating import migrate
from sigdep.testing.log_copying import pages
from sigdep.testing.sample_events import new_stream, new_workspace, writing
from tests.services.installations import (
    NewPlace,
    all_of,
    always,
    lived_in,
    move,
    running,
    source_at,
    target_at,
    unseen,
)
from tests.services.tampering import bytes_of_keys, execute, somebody, wrapped

WRITES = ("begin", "take", "take_numbers", "forget_answers", "take_answers", "take_proof", "finish")
WRITES_MAX = 1_000
"""More than any move here makes."""

KINDS = ("folder", "database")
COPIES: dict[str, tuple[type[Any], type[Any]]] = {
    "folder": (SqliteLogCopy, SqliteKeyCopy),
    "database": (PostgresLogCopy, PostgresKeyCopy),
}


class Interrupted(Exception):
    """What a test does to a move."""


def interrupt(patched: pytest.MonkeyPatch, kind: str, number: int) -> Callable[[], int]:
    """Let the write of this number, from 0, of whatever is copied to this kind of place, and all after it fail.

    Returns what says how many have not failed.
    """
    left = number

    def breaking(write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def broken(*arguments: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Interrupted
            left -= 1
            return await write(*arguments)

        return broken

    for copy in COPIES[kind]:
        for name in WRITES:
            if hasattr(copy, name):
                patched.setattr(copy, name, breaking(getattr(copy, name)))
    return lambda: number - left


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copy, "PORTION_EVENTS_MAX", 4)


@pytest.mark.parametrize("kind, other", [("folder", "database"), ("database", "folder")])
async def test_a_move_goes_on_wherever_it_was_interrupted(new_place: NewPlace, kind: str, other: str) -> None:
    origin = new_place(kind)
    await lived_in(origin)
    was = await all_of(origin)
    with pytest.MonkeyPatch.context() as patched:
        writes = interrupt(patched, other, WRITES_MAX)
        await move(origin, new_place(other))
    made = writes()
    for number in sorted({0, 1, 2, *range(3, made, 15), made - 3, made - 2, made - 1}):
        place = new_place(other)
        with pytest.MonkeyPatch.context() as patched:
            interrupt(patched, other, number)
            with pytest.raises(Interrupted):
                await move(origin, place)
        assert (await move(origin, place)).events == {"first": 20, "second": 20}
        assert await all_of(place) == was


@pytest.mark.parametrize("other", KINDS)
async def test_what_happened_between_two_attempts_arrives(new_place: NewPlace, other: str) -> None:
    origin, place = new_place("folder"), new_place(other)
    await lived_in(origin)
    with pytest.MonkeyPatch.context() as patched:
        interrupt(patched, other, 15)
        with pytest.raises(Interrupted):
            await move(origin, place)
    leaving = await somebody(origin)
    before = await bytes_of_keys(place)
    key = await wrapped(origin, leaving)
    assert key in before
    async with running(origin) as server:
        workspace = new_workspace()
        await server.logs["first"].append(writing(workspace, new_stream(), "late"))
        await server.keys.destroy(leaving)
    assert (await move(origin, place)).destroyed == 2
    assert await all_of(place) == await all_of(origin)
    assert key[:16] not in await bytes_of_keys(place)
    async with running(place) as server:
        with pytest.raises(KeyDestroyed):
            await server.keys.obtain(leaving)


async def test_a_place_with_other_events_is_refused_and_left_alone(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    await lived_in(place)
    was = await all_of(place)
    with pytest.raises(TargetTaken, match="does not have"):
        await move(origin, place)
    assert await all_of(place) == was


async def test_a_place_that_has_gone_on_is_refused_and_left_alone(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    await move(origin, place)
    async with running(place) as server:
        await server.logs["second"].append(writing(new_workspace(), new_stream(), "more"))
    was = await all_of(place)
    with pytest.raises(TargetTaken, match="does not have"):
        await move(origin, place)
    assert await all_of(place) == was


async def test_a_place_in_use_that_lags_behind_is_refused_and_left_alone(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    await move(origin, place)
    was = await all_of(place)
    async with running(origin) as server:
        await server.logs["second"].append(writing(new_workspace(), new_stream(), "more"))
    with pytest.raises(TargetTaken, match="in use"):
        await move(origin, place)
    assert {name: log for name, log in (await all_of(place)).items() if name != "keys"} == {
        name: log for name, log in was.items() if name != "keys"
    }


async def test_keys_that_other_secrets_wrap_are_refused(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    await (await place.open_ring(urandom(32))).close()
    with pytest.raises(TargetTaken, match="other secrets"):
        await move(origin, place)
    source = await place.open_key_source()
    assert await pages(source.keys()) == []
    await source.close()


async def test_a_key_that_was_destroyed_at_the_target_never_comes_back(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    leaving = await somebody(origin)
    with pytest.MonkeyPatch.context() as patched:
        interrupt(patched, "database", 15)
        with pytest.raises(Interrupted):
            await move(origin, place)
    await execute(place, "keys", "UPDATE subject_key SET wrapped = NULL WHERE subject = {}", leaving)
    with pytest.raises(TargetTaken, match="never comes back"):
        await move(origin, place)
    await execute(place, "keys", "UPDATE subject_key SET wrapped = {1} WHERE subject = {0}", leaving, b"another key")
    with pytest.raises(TargetTaken, match="another key"):
        await move(origin, place)


@pytest.mark.parametrize("kind, other", [("folder", "database"), ("database", "folder")])
async def test_a_damaged_log_does_not_move(new_place: NewPlace, kind: str, other: str) -> None:
    origin, place = new_place(kind), new_place(other)
    await lived_in(origin)
    await execute(origin, "second", "UPDATE event SET payload = {} WHERE version = 2", b"something else")
    with pytest.raises(LogDamaged, match="not what was written"):
        await move(origin, place)
    with pytest.raises(Unavailable, match="interrupted"):
        async with running(place):
            pass


@pytest.mark.parametrize(
    "change",
    ["payload = {}", "type = 'Other'", "recorded_us = recorded_us + 1", "workspace = subject, subject = command_id"],
)
async def test_an_event_that_arrived_changed_is_found(new_place: NewPlace, change: str) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    with pytest.MonkeyPatch.context() as patched:
        interrupt(patched, "database", 20)
        with pytest.raises(Interrupted):
            await move(origin, place)
    # Events that are not the last of their batch: whose time alone is in the link itself.
    values = [b"something else"] if "{}" in change else []
    await execute(place, "first", f"UPDATE event SET {change} WHERE version = 1", *values)
    with pytest.raises(CopyDiffers, match="is not at the target what it is"):
        await move(origin, place)


@pytest.mark.parametrize(
    "log, statement",
    [
        ("first", "INSERT INTO number (last, workspace) VALUES (7, {})"),
        ("keys", "INSERT INTO subject_key VALUES ({}, NULL)"),
    ],
)
async def test_what_was_slipped_in_beside_the_events_is_found(new_place: NewPlace, log: str, statement: str) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)
    with pytest.MonkeyPatch.context() as patched:
        interrupt(patched, "database", 20)
        with pytest.raises(Interrupted):
            await move(origin, place)
    await execute(place, log, statement, uuid7())
    with pytest.raises(CopyDiffers):
        await move(origin, place)


@pytest.mark.parametrize("held", ["source", "target"])
async def test_a_lost_lock_leaves_a_draft(new_place: NewPlace, held: str) -> None:
    origin, place = new_place("folder"), new_place("database")
    await lived_in(origin)

    async def lost() -> None:
        raise Unavailable("The connection is lost.")

    checks = {"source": always, "target": always, held: lost}
    async with source_at(origin) as source, target_at(place) as target:
        checked = replace(source, still_held=checks["source"]), replace(target, still_held=checks["target"])
        with pytest.raises(Unavailable, match="lost"):
            await migrate(*checked, unseen)
    with pytest.raises(Unavailable, match="interrupted"):
        async with running(place):
            pass
    await move(origin, place)

"""An installation that moves: everything arrives, as it was, and can move back."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from sigdep.kernel import log_copy
from sigdep.kernel.ids import StreamId, SubjectId, WorkspaceId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.messages import Event
from sigdep.services.copy_proof import Progress
from sigdep.services.migrating import migrate
from sigdep.testing.event_store_setup import everything
from sigdep.testing.sample_events import (
    NoteFiled,
    NoteWritten,
    answering,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
)
from tests.services.installations import (
    LOGS,
    Installation,
    NewPlace,
    Open,
    all_of,
    lived_in,
    move,
    running,
    source_at,
    target_at,
)


@pytest.fixture(params=[("folder", "database"), ("database", "folder")], ids=lambda kinds: f"from-{kinds[0]}")
async def moved(request: pytest.FixtureRequest, new_place: NewPlace) -> tuple[Installation, ...]:
    """Where it was, where it is, and an empty place of the first kind."""
    kind, other = request.param
    origin, place = new_place(kind), new_place(other)
    await lived_in(origin)
    await move(origin, place)
    return origin, place, new_place(kind)


async def test_everything_arrives_as_it_was_stored(moved: tuple[Installation, ...]) -> None:
    origin, place, _ = moved
    assert await all_of(place) == await all_of(origin)


async def test_what_goes_on_elsewhere_comes_back(moved: tuple[Installation, ...]) -> None:
    _, place, home = moved
    async with running(place) as server:
        before = await everything(server.logs["first"])
        known = next(recorded for recorded in before if recorded.event is not None)
        version = (await server.logs["first"].read(known.stream)).version
        await server.logs["first"].append(writing(known.workspace, known.stream, "f", expected=version))
        await _check_chains(server)
    assert (await move(place, home)).copied == 41
    assert await all_of(home) == await all_of(place)
    async with running(home) as server:
        assert len(await everything(server.logs["first"])) == len(before) + 1
        await server.logs["second"].append(writing(known.workspace, new_stream(), "g"))
        await _check_chains(server)


async def _check_chains(server: Open) -> None:
    for log in server.logs.values():
        for partition in await log.heads():
            assert not (await log.verify(partition)).faults


@pytest.mark.parametrize("kind, other", [("folder", "database"), ("database", "folder")])
async def test_whoever_was_erased_stays_erased(new_place: NewPlace, kind: str, other: str) -> None:
    origin, place = new_place(kind), new_place(other)
    erased = await lived_in(origin)
    assert (await move(origin, place)).destroyed == 1
    async with running(place) as server:
        found = await everything(server.logs["first"])
        assert {recorded.event is None for recorded in found if recorded.workspace == erased} == {True}
        assert {recorded.event is None for recorded in found if recorded.workspace != erased} == {False}
        with pytest.raises(KeyDestroyed):
            await server.keys.obtain(SubjectId(erased))


async def test_an_installation_that_nobody_has_used_moves_too(new_place: NewPlace) -> None:
    origin, place = new_place("folder"), new_place("database")
    async with running(origin):
        pass
    done = await move(origin, place)
    assert (dict(done.events), done.copied, done.keys) == ({"first": 0, "second": 0}, 0, 0)
    async with running(place) as server:
        await server.logs["first"].append(writing(new_workspace(), new_stream(), "a"))


async def test_progress_is_shown_up_to_the_end(new_place: NewPlace) -> None:
    origin, shown = new_place("folder"), list[Progress]()
    await lived_in(origin)
    async with source_at(origin) as source, target_at(new_place("folder")) as target:
        await migrate(source, target, shown.append)
    for step in ("copying", "verifying"):
        for log in LOGS:
            done = [progress.done for progress in shown if (progress.step, progress.log) == (step, log)]
            assert done == sorted(set(done))
            assert done[-1] == 20
    assert {progress.total for progress in shown} == {20}


async def test_a_move_that_is_repeated_copies_nothing_twice(moved: tuple[Installation, ...]) -> None:
    origin, place, _ = moved
    done = await move(origin, place)
    assert (done.copied, dict(done.events)) == (0, {"first": 20, "second": 20})
    assert await all_of(place) == await all_of(origin)


Step = tuple[str, int, int, int]
"""What is done, in which workspace, to which of its streams, with how many events."""

kinds = st.sampled_from(["note", "note", "file", "answer", "erase"])
histories = st.lists(st.tuples(kinds, st.integers(0, 3), st.integers(0, 2), st.integers(1, 3)), max_size=25)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    # A failure names its history; to shrink one would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(before=histories, after=histories, portion=st.sampled_from([1, 2, 5, 4_000]))
async def test_any_history_moves_there_and_back(
    new_place: NewPlace, before: list[Step], after: list[Step], portion: int
) -> None:
    origin, place, home = new_place("folder"), new_place("database"), new_place("folder")
    workspaces = [workspace_in(3), workspace_in(3), workspace_in(4), workspace_in(5)]
    streams = {workspace: [new_stream() for _ in range(3)] for workspace in workspaces}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log_copy, "PORTION_EVENTS_MAX", portion)
        async with running(origin) as server:
            await _live_through(server, streams, before)
        await move(origin, place)
        assert await all_of(place) == await all_of(origin)
        async with running(place) as server:
            await _live_through(server, streams, after)
            await _check_chains(server)
        await move(place, home)
        assert await all_of(home) == await all_of(place)
        async with running(home) as server:
            await _live_through(server, streams, before)
            await _check_chains(server)


async def _live_through(
    server: Open, streams: Mapping[WorkspaceId, Sequence[StreamId]], history: Sequence[Step]
) -> None:
    log = server.logs["first"]
    for kind, which, number, events in history:
        workspace, some = list(streams.items())[which]
        if kind == "erase":
            await server.keys.destroy(SubjectId(workspace))
        content: Event = NoteFiled(text="f") if kind == "file" else NoteWritten(text="n")
        version = (await log.read(some[number])).version
        answer = answering(uuid7(), f"{kind} ü", answer=b"\0") if kind == "answer" else None
        append = appending(
            workspace, write(workspace, some[number], *[content] * events, expected=version), answer=answer
        )
        with suppress(KeyDestroyed):
            await log.append(append)

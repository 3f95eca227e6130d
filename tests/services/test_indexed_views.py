"""A search index as a read model: filled by the log, found from the position on, made anew, proven, forgotten."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from sigdep.adapters.memory.lease import MemoryLeases
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.memory.search_index import MemorySearchIndex
from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.contracts.ids import TaskId
from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.ids import Positions
from sigdep.kernel.lease import Holder
from sigdep.kernel.projection import last_positions
from sigdep.kernel.read_store import All, Changes, CheckpointMoved, ModelGone, ModelId, Order, Select
from sigdep.kernel.search_index import Entry, SearchIndex
from sigdep.services.indexed_views import IndexedViews
from sigdep.services.leased_projector import LeasedProjector
from sigdep.services.not_yet_live import NotYetLive
from sigdep.services.projecting import Build, tables_of
from sigdep.services.projector import Projector
from sigdep.services.rebuilding import Progress, begin, fill, rebuild
from sigdep.services.verifying import verify_read_model
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.read_models.task_texts import TEXTS, TaskTexts
from sigdep.testing.opensearch_server import FIRST_START_SECONDS_MAX, OpenSearchServer
from tests.services.test_projector import WAIT_SECONDS, reached, running, until
from tests.tasks.filters import NOW, WORKSPACE
from tests.tasks.read_world import World

pytestmark = pytest.mark.timeout(FIRST_START_SECONDS_MAX)


@pytest.fixture(params=["memory", "opensearch"])
async def index(request: pytest.FixtureRequest) -> AsyncIterator[SearchIndex]:
    if request.param == "memory":
        yield MemorySearchIndex()
        return
    server: OpenSearchServer = request.getfixturevalue("opensearch_server")
    index = OpenSearchIndex(f"{server.url}/views", search_seconds_max=60.0)
    yield index
    await index.sweep("task_texts", keep=())
    await index.sweep("task_texts~verify", keep=())
    await index.close()


@pytest.fixture
def views() -> MemoryReadStore:
    return MemoryReadStore()


@pytest.fixture
def indexed(views: MemoryReadStore, index: SearchIndex) -> IndexedViews:
    return IndexedViews(views, index, TEXTS)


@pytest.fixture
def world() -> World:
    """Its log is what is indexed; its own read model plays no part."""
    return World(MemoryReadStore())


async def found(index: SearchIndex, model: ModelId, *words: str) -> set[UUID]:
    return set(await index.search(model, WORKSPACE, words, 1_000))


def projector_of(world: World, indexed: IndexedViews) -> Projector:
    return Projector(world.log, indexed, TaskTexts(), retired_kept_seconds=0.0)


# ── following ───────────────────────────────────────────────────────────────────────────────────────────


async def test_what_has_been_reached_can_be_found(world: World, indexed: IndexedViews, index: SearchIndex) -> None:
    first = await world.task("Buy milk", description="two bottles")
    async with running(projector_of(world, indexed)) as projector:
        for number in range(5):
            appended = await world.edit(first, title=f"Milk run{number}")
            await reached(projector, appended)
            assert await found(index, projector.model_id, f"run{number}", "bottles") == {first}
            assert await found(index, projector.model_id, "buy") == set()
        await reached(projector, await world.edit(first, description=None))
        assert await found(index, projector.model_id, "bottles") == set()
        assert await found(index, projector.model_id, "milk") == {first}


async def test_what_is_not_live_yet_can_be_found_by_those_who_read_it_early(
    world: World, views: MemoryReadStore, indexed: IndexedViews, index: SearchIndex
) -> None:
    first = await world.task("Buy milk")
    early = NotYetLive(indexed, TaskTexts())
    for again in range(2):
        async with running(Projector(world.log, early, TaskTexts())) as projector:
            await until(lambda projector=projector: projector.has_build)  # type: ignore[misc]
            for number in range(3):
                await reached(projector, await world.edit(first, title=f"Milk run{again}{number}"))
                assert await found(index, projector.model_id, f"run{again}{number}") == {first}
        assert await views.live(TaskTexts.name, None) is None


async def test_events_that_change_no_text_write_nothing(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    task = await world.task("Buy milk")
    async with running(projector_of(world, indexed)) as projector:
        await reached(projector, await world.edit(task, title="Buy bread"))
        (before,) = await index.walk(projector.model_id, None, 10)
        await reached(projector, await world.edit(task, priority="high"))
        assert await index.walk(projector.model_id, None, 10) == [before]


async def test_a_forgotten_workspace_is_forgotten_in_the_index(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    await world.task("Secret")
    async with running(projector_of(world, indexed)) as projector:
        await until(lambda: projector.state == "live")
        forgotten = await world.append(WorkspaceForgotten(workspace_id=WORKSPACE, at=NOW))
        await reached(projector, forgotten)
        assert await found(index, projector.model_id, "secret") == set()
        assert await index.walk(projector.model_id, None, 10) == []
        task = await world.task("Later")
        await reached(projector, await world.edit(task, description="more"))
        assert await found(index, projector.model_id, "later") == {task}


async def test_of_several_replicas_one_fills_it_and_all_know_how_far(
    world: World, views: MemoryReadStore, index: SearchIndex
) -> None:
    leases = MemoryLeases()
    replicas = [
        LeasedProjector(
            world.log, IndexedViews(views, index, TEXTS), TaskTexts(), leases, Holder(name), lease_seconds=1.0
        )
        for name in ("one", "two")
    ]
    jobs = [asyncio.ensure_future(job()) for replica in replicas for job in replica.jobs.values()]
    try:
        task = await world.task("Buy milk")
        appended = await world.edit(task, title="Buy bread")
        for replica in replicas:
            await replica.wait_for(appended.partition, appended.position, WAIT_SECONDS)
            assert await found(index, replica.model_id, "bread") == {task}
        assert sum(replica.is_projecting for replica in replicas) == 1
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────


class Interrupted(MemoryReadStore):
    """Fails once when a batch is committed."""

    fails = False

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        if self.fails:
            self.fails = False
            raise Unavailable("The read store went away.")
        await super().commit(model, changes, before=before, after=after)


async def test_a_batch_whose_checkpoint_was_not_stored_is_written_again(world: World, index: SearchIndex) -> None:
    views = Interrupted()
    async with running(projector_of(world, IndexedViews(views, index, TEXTS))) as projector:
        await until(lambda: projector.state == "live")
        views.fails = True
        task = await world.task("Buy milk")
        await reached(projector, await world.edit(task, title="Buy bread"))
        assert not views.fails
        assert await found(index, projector.model_id, "bread") == {task}
        assert await found(index, projector.model_id, "milk") == set()


async def test_a_projector_that_slept_writes_nothing(
    world: World, views: MemoryReadStore, indexed: IndexedViews, index: SearchIndex
) -> None:
    await rebuild(world.log, indexed, TaskTexts())
    asleep = await _live_build(world, indexed)
    await world.task("Secret")
    batch = await world.log.read_all({})
    changes = await asleep.project(batch, indexed)
    await world.append(WorkspaceForgotten(workspace_id=WORKSPACE, at=NOW))
    awake = await _live_build(world, IndexedViews(views, index, TEXTS))
    await awake.apply(await world.log.read_all({}))
    with pytest.raises(CheckpointMoved):
        await asleep.store(changes, batch)
    await index.refresh(awake.model)
    assert await index.walk(awake.model, None, 10) == []


async def _live_build(world: World, indexed: IndexedViews) -> Build:
    live = await indexed.live(TaskTexts.name, tables_of(TaskTexts()), TaskTexts().fingerprint)
    assert live is not None
    return await Build(world.log, indexed, TaskTexts(), live).load()


async def test_a_lost_index_is_made_anew(world: World, indexed: IndexedViews, index: SearchIndex) -> None:
    task = await world.task("Buy milk")
    async with running(projector_of(world, indexed)) as projector:
        await until(lambda: projector.state == "live")
        lost = projector.model_id
        await index.sweep(TaskTexts.name, keep=())
        await reached(projector, await world.edit(task, title="Buy bread"))
        assert projector.model_id != lost
        assert await found(index, projector.model_id, "bread") == {task}
        assert not await index.exists(lost)


async def test_an_index_that_was_lost_while_nobody_looked_is_noticed_without_a_write(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    await world.task("Buy milk")
    lost = await rebuild(world.log, indexed, TaskTexts())
    await index.sweep(TaskTexts.name, keep=())
    async with running(projector_of(world, indexed)) as projector:
        await until(lambda: projector.state == "live" and projector.model_id != lost)
        assert len(await found(index, projector.model_id, "milk")) == 1


async def test_an_index_of_another_life_of_the_read_store_is_not_taken_over(world: World, index: SearchIndex) -> None:
    """As after a restore: its builds count from one again, and the log is an older one."""
    await index.create(ModelId(TaskTexts.name, 1))
    theirs = Entry(id=UUID(int=5), workspace=WORKSPACE, position=WORLD_END, texts=("Gone", None))  # type: ignore[arg-type]
    await index.write(ModelId(TaskTexts.name, 1), [theirs])
    task = await world.task("Here")
    model = await rebuild(world.log, IndexedViews(MemoryReadStore(), index, TEXTS), TaskTexts())
    assert model == ModelId(TaskTexts.name, 1)
    assert [entry.id for entry in await index.walk(model, None, 10)] == [task]


WORLD_END = 10**9


# ── making it anew, and proving it ──────────────────────────────────────────────────────────────────────


async def test_it_is_made_beside_the_live_one_and_says_how_far_it_is(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    tasks = [await world.task(f"Task number{number}") for number in range(60)]
    told: list[Progress] = []
    async with running(projector_of(world, indexed)) as projector:
        await until(lambda: projector.state == "live")
        former = projector.model_id
        projector._on_progress = told.append
        await projector.rebuild()
        assert projector.model_id != former
        assert told[-1].done == told[-1].total == len(tasks)
        assert await found(index, projector.model_id, "number59") == {tasks[59]}
        with pytest.raises(ModelGone):
            await found(index, former, "number59")
        await reached(projector, await world.edit(tasks[0], title="Renamed"))
        assert await found(index, projector.model_id, "renamed") == {tasks[0]}


async def test_an_interrupted_rebuild_is_taken_up_again_unless_its_index_is_lost(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    task = await world.task("Buy milk")
    begun = await begin(world.log, indexed, TaskTexts())
    await fill(begun, world.log)
    assert (await begin(world.log, indexed, TaskTexts())).positions == begun.positions
    await index.sweep(TaskTexts.name, keep=())
    again = await begin(world.log, indexed, TaskTexts())
    assert not any(again.positions.values())
    model = await rebuild(world.log, indexed, TaskTexts())
    assert model == again.model
    assert await found(index, model, "milk") == {task}


async def test_verify_finds_what_is_not_as_the_log_says(
    world: World, indexed: IndexedViews, index: SearchIndex
) -> None:
    for number in range(30):
        task = await world.task(f"Task number{number}")
        await world.edit(task, description=f"more{number}")
    model = await rebuild(world.log, indexed, TaskTexts())
    assert await verify_read_model(world.log, indexed, TaskTexts()) == []
    wrong, *_ = await index.walk(model, None, 1)
    false = Entry(id=wrong.id, workspace=WORKSPACE, position=WORLD_END, texts=("False", None))  # type: ignore[arg-type]
    extra = Entry(id=UUID(int=5), workspace=WORKSPACE, position=WORLD_END, texts=("Extra", None))  # type: ignore[arg-type]
    await index.write(model, [false, extra])
    said = {one.key: one.detail for one in await verify_read_model(world.log, indexed, TaskTexts())}
    assert said == {
        false.key: "differs in position, title, description",
        extra.key: "should not be there",
    }


async def test_what_the_index_cannot_do_is_refused(world: World, indexed: IndexedViews) -> None:
    model = await rebuild(world.log, indexed, TaskTexts())
    key = (WORKSPACE, TaskId(UUID(int=1)))
    everything = Changes([(TEXTS, All(()))], (), ())
    for refused in (
        indexed.select(model, Select(table=TEXTS, order=(Order("title"),))),
        indexed.count(model, TEXTS, All(())),
        indexed.commit(model, everything, before={}, after={}),
        indexed.commit(model, Changes((), [(TEXTS, key)], ()), before={}, after={}),
    ):
        with pytest.raises(Invalid, match="search index"):
            await refused


async def test_the_same_events_give_the_same_entries_whatever_the_batches(world: World, index: SearchIndex) -> None:
    tasks = [await world.task(f"Task {number}") for number in range(6)]
    for number in range(30):
        await world.edit(
            tasks[number % 6], **({"title": f"New {number}"} if number % 2 else {"description": f"d{number}"})
        )
    walked = []
    for events in (1, 7, 1_000):
        views = IndexedViews(MemoryReadStore(), index, TEXTS)
        build = await begin(world.log, views, TaskTexts())
        while batch := await world.log.read_all(build.positions, limit=events):
            await build.apply(batch)
        assert build.positions == last_positions(await world.log.read_all({}))
        await index.refresh(build.model)
        walked.append(await index.walk(build.model, None, 100))
    assert walked[0] == walked[1] == walked[2]
    assert {entry.id: entry.texts for entry in walked[0]} == {
        task: (world.tasks[task].title, world.tasks[task].description) for task in tasks
    }

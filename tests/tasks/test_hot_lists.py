"""Lists from a hot view: the same answers as the read store's, or none, whatever gets lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import pytest

from sigdep.adapters.memory.hot_views import MemoryHotViews
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.hot_views import RedisHotViews
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.hot_views import VIEW_ROWS_MAX, HotChanges, HotRow, HotViews, Range, Turn, View
from sigdep.kernel.ids import Position, Positions
from sigdep.kernel.read_store import Changes, ModelId, Page, Select
from sigdep.services.warmed_views import WarmedViews
from sigdep.tasks.context import hot_changes
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.tasks import TaskCompleted
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_row
from sigdep.tasks.read_service.hot_lists import HotLists
from sigdep.tasks.read_service.service import TasksRead
from sigdep.testing.broker_servers import running
from sigdep.testing.redis_server import RedisServer
from tests.conftest import missing_servers_skip
from tests.tasks.filters import ME, NOW, OTHER, WORKSPACE
from tests.tasks.read_stories import Story
from tests.tasks.read_world import World, call

MINE: Final = ListTasks(assignee_id=("me",), open=True)
SECONDS_MAX: Final = 30.0


class Faulty:
    """Does not answer at times: what was asked has been done then, or not."""

    def __init__(self, hot: HotViews) -> None:
        self.hot = hot
        self.faults = 0.0
        self._chance = Random(5)

    async def _may_fail(self) -> None:
        if self._chance.random() < self.faults / 2:
            raise Unavailable("It does not answer.")

    async def begin(self, model: ModelId, before: Positions, after: Positions) -> Turn:
        await self._may_fail()
        turn = await self.hot.begin(model, before, after)
        await self._may_fail()
        return turn

    async def finish(self, turn: Turn, changes: HotChanges) -> None:
        await self._may_fail()
        await self.hot.finish(turn, changes)
        await self._may_fail()

    async def page(self, view: View, position: Position, part: Range) -> Sequence[HotRow] | None:
        await self._may_fail()
        return await self.hot.page(view, position, part)

    async def fill(self, view: View, position: Position, rows: Sequence[HotRow]) -> bool:
        await self._may_fail()
        taken = await self.hot.fill(view, position, rows)
        await self._may_fail()
        return taken


class Store(MemoryReadStore):
    """One that a batch can reach while it is read."""

    meanwhile: "HotWorld | None" = None

    def __init__(self) -> None:
        super().__init__()
        self.watcher: HotViews | None = None
        self.seen: list[Sequence[HotRow] | None] = []
        """What a view gives when a commit begins."""

    async def select(self, model: ModelId, select: Select) -> Page:
        if self.meanwhile is not None:
            await self.meanwhile.world.task("Meanwhile", assignee_ids=(ME,))
            await self.meanwhile.world.project()
        return await super().select(model, select)

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        if self.watcher is not None:
            self.seen.append(await self.watcher.page(View(model, WORKSPACE, ME), Position(1), Range(limit=1)))
        await super().commit(model, changes, before=before, after=after)


class HotWorld:
    """A world whose projector keeps hot views, and two services: one that asks them, and one that does not."""

    def __init__(self, hot: HotViews) -> None:
        self.hot = Faulty(hot)
        self.store = Store()
        self.lists = HotLists(self.hot, self.store)
        self.world = World(WarmedViews(self.store, self.hot, hot_changes))
        self.world.read = TasksRead(self.store, self.world.log, self.world, hot=self.lists)
        self.plain = TasksRead(self.store, self.world.log, self.world)

    async def fill(self, *people: UUID, workspace: WorkspaceId = WORKSPACE) -> bool:
        return all([await self.lists.fill(View(self.world.model_id, workspace, person)) for person in people])

    async def pages(self, query: ListTasks, chance: Random, **options: Any) -> int:
        """Both give the same, page by page, whoever gave the cursor. Returns how many pages."""
        for number in range(1, 1_000):
            options["workspace"] = query.workspace_id or WORKSPACE
            with_view = await self.world.read.ask(query, call(**options))
            without = await self.plain.ask(query, call(**options))
            assert with_view.value.json == without.value.json, query
            assert with_view.position == without.position
            cursor = msgspec.json.decode(chance.choice((with_view, without)).value.json)["next_cursor"]
            if cursor is None:
                return number
            query = msgspec.structs.replace(query, cursor=cursor)
        raise AssertionError("There is no end.")

    @property
    def given(self) -> int:
        return self.lists.outcomes["given"]


@pytest.fixture(scope="module")
def redis_url() -> Any:
    with missing_servers_skip(), running(RedisServer) as server:
        yield server.url


@pytest.fixture(params=["memory", "redis"])
async def hot_views(request: pytest.FixtureRequest) -> AsyncIterator[HotViews]:
    if request.param == "memory":
        yield MemoryHotViews()
        return
    aid = RedisAid(request.getfixturevalue("redis_url"), "test", answer_seconds=SECONDS_MAX)
    yield RedisHotViews(aid, prefix=uuid4().hex)
    await aid.close()


@pytest.fixture
async def hot_world(hot_views: HotViews) -> HotWorld:
    hot_world = HotWorld(hot_views)
    await hot_world.world.start()
    return hot_world


def _query(random: Random) -> ListTasks:
    def bound() -> str | None:
        instant = NOW - timedelta(hours=random.randint(0, 24 * 30))
        return random.choice((None, None, instant.isoformat(), instant.date().isoformat()))

    return ListTasks(
        assignee_id=(random.choice(("me", "me", str(OTHER))),),
        open=random.choice((True, True, True, None)),
        due_before=bound(),
        due_after=bound(),
        archived=random.random() < 0.2,
        trashed=random.choice((None, None, None, True)),
        priority=random.choice(((), (), (), ("high",))),
        filter=random.choice((None, None, None, "project = none", "overdue", "has:due", "blocked")),
        sort=random.choice(("due_at", "due_at", "due_at", "-due_at", "rank")),
        time_zone=random.choice((None, "Pacific/Auckland", "America/Los_Angeles")),
        limit=random.choice((1, 2, 5, 50)),
    )


@pytest.mark.parametrize("seed", range(12))
async def test_a_list_is_the_same_with_the_view_and_without(hot_world: HotWorld, seed: int) -> None:
    """Tasks come, change hands, are done, archived and trashed; batches of any size; things get lost."""
    random = Random(seed)
    story = Story(hot_world.world, random)
    for _ in range(6):
        hot_world.hot.faults = random.choice((0.0, 0.0, 0.3))
        await story.tell(random.randint(1, 12))
        await hot_world.world.project(random.choice((1, 3, 1_000)))
        if random.random() < 0.1:
            await hot_world.world.rebuild()
        try:
            if random.random() < 0.7:
                await hot_world.fill(ME, OTHER)
        except Unavailable:
            continue
        for _ in range(4):
            await hot_world.pages(_query(random), random)


async def test_most_of_what_the_view_covers_is_given_from_it(hot_world: HotWorld) -> None:
    random, pages = Random(1), 0
    story = Story(hot_world.world, random)
    await story.tell(80)
    await hot_world.world.project()
    assert await hot_world.fill(ME)
    for _ in range(30):
        await story.tell(1)
        await hot_world.world.project()
        pages += await hot_world.pages(msgspec.structs.replace(MINE, limit=random.randint(1, 8)), random)
    assert hot_world.given == pages > 35
    week = msgspec.structs.replace(MINE, due_before=(hot_world.world.clock + timedelta(days=1)).date().isoformat())
    assert await hot_world.pages(week, random) == 1
    assert hot_world.given == pages + 1


async def test_a_task_that_changes_hands_leaves_one_view_for_the_other(hot_world: HotWorld) -> None:
    task = await hot_world.world.task("Passed on", assignee_ids=(ME,))
    await hot_world.world.project()
    await hot_world.fill(ME, OTHER)
    for now, person in ((1, OTHER), (2, ME)):
        await hot_world.world.edit(task, assignee_ids=(person,))
        await hot_world.world.project()
        assert [len(await hot_world.world.items(MINE, user=user)) for user in (ME, OTHER)] == [now - 1, 2 - now]
    assert hot_world.given == 4


async def test_other_questions_do_not_ask_it(hot_world: HotWorld) -> None:
    await Story(hot_world.world, Random(1)).tell(40)
    await hot_world.world.project()
    await hot_world.fill(ME)
    for fields in ({"open": None}, {"trashed": True}, {"sort": "-due_at"}, {"sort": "rank"}, {"q": "report"},
                   {"label": ("none",)}, {"priority": ("high",)}, {"assignee_id": ()}, {"assignee_id": ("none",)},
                   {"assignee_id": ("me", str(OTHER))}, {"at": datetime(2026, 11, 1, 0, 20, tzinfo=UTC)}):  # fmt: skip
        await hot_world.pages(msgspec.structs.replace(MINE, **fields), Random(1))
    assert hot_world.lists.outcomes.total() == 0


async def test_a_view_of_another_position_than_the_read_models_is_not_given(hot_world: HotWorld) -> None:
    """Older, as one that has missed a batch, and newer, as one that stands before a read store from a backup."""
    task = await hot_world.world.task("Done soon", assignee_ids=(ME,))
    await hot_world.world.project()
    await hot_world.fill(ME)
    hot_world.hot.faults = 2.0
    await hot_world.world.happen(TaskCompleted, task)
    await hot_world.world.project()
    hot_world.hot.faults = 0.0
    assert await hot_world.world.items(MINE) == []
    newer = View(hot_world.world.model_id, WORKSPACE, ME)
    row = HotRow(id=task, time=None, facts=b"", document=b"{}")
    assert await hot_world.hot.fill(newer, Position(1_000), [row])
    assert await hot_world.world.items(MINE) == []
    assert hot_world.given == 0


async def test_rows_that_change_without_the_position_are_told_later_where_nobody_answered(hot_world: HotWorld) -> None:
    """As when a stream that was set aside is taken up again."""
    task = await hot_world.world.task("Repaired", assignee_ids=(ME,))
    await hot_world.world.project()
    await hot_world.fill(ME)
    assert len(await hot_world.world.items(MINE)) == hot_world.given == 1
    stands = dict(hot_world.world.positions)
    row = await hot_world.store.get(hot_world.world.model_id, TASKS, (task,))
    assert row is not None
    closed = {**row, "open": False}
    hot_world.hot.faults = 2.0
    await hot_world.world.store.commit(
        hot_world.world.model_id,
        Changes((), (), [(TASKS, closed), (ASSIGNMENTS, assignment_row(ME, task, closed))]),
        before=stands,
        after=stands,
    )
    hot_world.hot.faults = 0.0
    await hot_world.world.task("Elsewhere", workspace=WorkspaceId(UUID(int=101)))
    await hot_world.world.project()
    assert await hot_world.world.items(MINE) == []


async def test_nothing_is_given_from_before_the_read_store_commits(hot_world: HotWorld) -> None:
    """Else a list might show what another answer has shown to be over."""
    task = await hot_world.world.task("Done soon", assignee_ids=(ME,))
    await hot_world.world.project()
    await hot_world.fill(ME)
    mine = View(hot_world.world.model_id, WORKSPACE, ME)
    assert await hot_world.hot.page(mine, Position(1), Range(limit=1))
    hot_world.store.watcher = hot_world.hot
    await hot_world.world.happen(TaskCompleted, task)
    await hot_world.world.project()
    assert hot_world.store.seen == [None]


async def test_a_workspace_that_is_forgotten_has_no_tasks(hot_world: HotWorld) -> None:
    await hot_world.world.task("Wrytz", assignee_ids=(ME,))
    await hot_world.world.project()
    await hot_world.fill(ME)
    assert len(await hot_world.world.items(MINE)) == 1
    await hot_world.world.append(WorkspaceForgotten(workspace_id=WORKSPACE, at=NOW))
    await hot_world.world.project()
    assert await hot_world.world.items(MINE) == []


async def test_a_list_that_is_too_long_is_not_kept(hot_world: HotWorld) -> None:
    for number in range(VIEW_ROWS_MAX + 1):
        await hot_world.world.task(f"{number}", assignee_ids=(ME,))
    await hot_world.world.project()
    assert not await hot_world.fill(ME)
    assert await hot_world.pages(msgspec.structs.replace(MINE, limit=200), Random(1)) == 6
    assert hot_world.given == 0


async def test_rows_between_two_batches_are_not_kept(hot_world: HotWorld) -> None:
    """They may be of two positions."""
    await hot_world.world.task("One", assignee_ids=(ME,))
    await hot_world.world.project()
    hot_world.store.meanwhile = hot_world
    assert not await hot_world.fill(ME)
    hot_world.store.meanwhile = None
    assert await hot_world.fill(ME)


async def test_what_is_asked_for_is_filled_beside_the_answers(hot_world: HotWorld) -> None:
    await hot_world.world.task("Mine", assignee_ids=(ME,))
    await hot_world.world.project()
    job = asyncio.create_task(hot_world.lists.run())
    async with asyncio.timeout(SECONDS_MAX):
        while not hot_world.given:
            assert len(await hot_world.world.items(MINE)) == 1
            await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)

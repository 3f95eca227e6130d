"""Lists by words are the same with a search index and without, whatever it knows, and whether it answers or not."""

from collections.abc import AsyncIterator, Collection
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.memory.search_index import MemorySearchIndex
from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.kernel.conditions import holds
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, partition_of
from sigdep.kernel.read_store import Matches, ModelGone, ModelId
from sigdep.kernel.search_index import SearchIndex
from sigdep.rpc.call import WorkspacePosition
from sigdep.services.indexed_views import IndexedViews
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import begin
from sigdep.tasks.events.tasks import TaskTrashed
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.task_rows import TASKS
from sigdep.tasks.read_models.task_texts import TEXTS, TaskTexts
from sigdep.tasks.read_service import TasksRead, text_search
from sigdep.tasks.read_service.text_search import TextSearch
from sigdep.testing.opensearch_server import FIRST_START_SECONDS_MAX, OpenSearchServer
from tests.tasks.filters import WORKSPACE
from tests.tasks.read_world import World, all_items

pytestmark = pytest.mark.timeout(FIRST_START_SECONDS_MAX)

WORDS: Final = ("Straße", "strasse", "Café", "cafe", "report", "Rep", "REPORTS", "日本", "x2", "ελλας", "weekly")
PART: Final = partition_of(WORKSPACE)


class Faulty:
    """A SearchIndex that does not answer while it is told so, and counts the questions."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index
        self.fault: Exception | None = None
        self.questions = 0

    async def search(
        self, build: ModelId, workspace: WorkspaceId, words: Collection[str], limit: int
    ) -> Collection[UUID]:
        self.questions += 1
        if self.fault is not None:
            raise self.fault
        return await self.index.search(build, workspace, words, limit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)


class Indexed:
    """A world whose index is filled when it is told to. It is the progress of its index."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = Faulty(index)
        self.views = IndexedViews(MemoryReadStore(), self.index, TEXTS)
        self.world = World(MemoryReadStore())
        self.build: Build | None = None
        self.search = TextSearch(self.index, self)
        self.plain = self.world.read

    async def start(self) -> "Indexed":
        await self.world.start()
        self.build = await begin(self.world.log, self.views, TaskTexts())
        await self.views.switch(self.build.model, tables_of(TaskTexts()))
        self.world.read = TasksRead(self.world.store, self.world.log, self.world, self.search)
        return self

    async def fill(self, batch_events: int = 1_000) -> None:
        assert self.build is not None
        while batch := await self.world.log.read_all(self.build.positions, limit=batch_events):
            await self.build.apply(batch)

    @property
    def model_id(self) -> ModelId:
        assert self.build is not None
        return self.build.model

    @property
    def positions(self) -> Positions:
        assert self.build is not None
        return self.build.positions

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float) -> None:
        if self.positions.get(partition, 0) < position:
            raise Unavailable("Nobody fills it meanwhile.")

    async def both(self, query: ListTasks, **options: Any) -> tuple[list[str], list[str]]:
        """The titles that all pages show, with the index and without."""
        found = []
        for service in (self.world.read, self.plain):
            self.world.read, kept = service, self.world.read
            found.append([item["title"] for item in await all_items(self.world, query, **options)])
            self.world.read = kept
        return found[0], found[1]


@pytest.fixture(params=["memory", "opensearch"])
async def indexed(request: pytest.FixtureRequest) -> AsyncIterator[Indexed]:
    if request.param == "memory":
        yield await Indexed(MemorySearchIndex()).start()
        return
    server: OpenSearchServer = request.getfixturevalue("opensearch_server")
    index = OpenSearchIndex(f"{server.url}/lists", search_seconds_max=60.0)
    yield await Indexed(index).start()
    await index.sweep(TaskTexts.name, keep=())
    await index.close()


# ── the same answers ────────────────────────────────────────────────────────────────────────────────────


async def _live(indexed: Indexed, random: Random, steps: int) -> None:
    """Tasks are made, edited and trashed; read model and index follow when they like."""
    tasks: list[TaskId] = list(indexed.world.tasks)
    for _ in range(steps):
        text = " ".join(random.choices(WORDS, k=random.randint(1, 3)))
        action = random.random()
        if action < 0.5 or not tasks:
            tasks.append(await indexed.world.task(text, description=random.choice((None, "weekly notes", text))))
        elif action < 0.8:
            await indexed.world.edit(random.choice(tasks), title=text)
        elif action < 0.9:
            await indexed.world.edit(random.choice(tasks), description=random.choice((None, text)))
        else:
            await indexed.world.happen(TaskTrashed, random.choice(tasks))
        if random.random() < 0.3:
            await indexed.world.project(random.choice((1, 1_000)))
        if random.random() < 0.3:
            await indexed.fill(random.choice((1, 1_000)))


@settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
async def test_a_list_is_the_same_with_the_index_and_without(indexed: Indexed, seed: int) -> None:
    """The read model has come as far as the log, and the index at least as far as that, or not so far."""
    random = Random(seed)
    indexed.search._quiet_until = 0.0
    await _live(indexed, random, 25)
    await indexed.world.project()
    if random.random() < 0.8:
        await indexed.fill()
    for _ in range(6):
        q = " ".join(word[: random.randint(1, len(word))] for word in random.sample(WORDS, random.randint(1, 2)))
        sort: Any = random.choice(("due_at", "-created_at", "number", "-updated_at"))
        query = ListTasks(
            q=q,
            sort=sort,
            limit=random.randint(1, 4),
            trashed=random.choice((None, True)),
            filter=random.choice((None, 'text:"we" or text:"rep"', 'not text:"cafe"', 'text:"weekly" and open')),
        )
        with_index, without = await indexed.both(query)
        assert with_index == without, query
        expected = {
            task.title
            for task in indexed.world.tasks.values()
            if holds(Matches(q), {"title": task.title, "description": task.description}, TASKS)
        }
        assert set(with_index) <= expected


async def test_most_of_those_lists_were_narrowed(indexed: Indexed) -> None:
    await _live(indexed, Random(1), 30)
    await indexed.world.project()
    await indexed.fill()
    with_index, without = await indexed.both(ListTasks(q="rep", filter="open", limit=3))
    assert with_index == without != []
    assert indexed.search.outcomes["narrowed"] >= 2
    assert indexed.index.questions == indexed.search.outcomes.total()


async def test_pages_while_tasks_come_and_change_skip_none_that_stayed_and_show_none_twice(indexed: Indexed) -> None:
    random = Random(7)
    stayed = {str(await indexed.world.task(f"report {number}")) for number in range(30)}
    shown: list[str] = []
    query = ListTasks(q="report", sort="-updated_at", limit=4)
    cursor = None
    while True:
        for _ in range(3):
            passing = await indexed.world.task("report of the day")
            if random.random() < 0.5:
                await indexed.world.edit(passing, title="other")
            await indexed.world.project()
            if random.random() < 0.6:  # Else this page comes from the read store alone.
                await indexed.fill()
            indexed.search._quiet_until = 0.0
        answer = await indexed.world.ask(msgspec.structs.replace(query, cursor=cursor))
        page = msgspec.json.decode(answer.value.json)
        shown += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(shown) == len(set(shown))
    assert stayed <= set(shown)
    assert indexed.search.outcomes["narrowed"]
    assert indexed.search.outcomes["behind"]


# ── what the index must not decide ──────────────────────────────────────────────────────────────────────


async def test_a_hit_of_which_the_read_store_knows_better_is_not_shown(indexed: Indexed) -> None:
    task = await indexed.world.task("Old title")
    await indexed.world.project()
    await indexed.world.edit(task, title="New title")
    await indexed.fill()
    assert await indexed.world.titles(ListTasks(q="new")) == []
    await indexed.world.project()
    assert await indexed.world.titles(ListTasks(q="new")) == ["New title"]
    assert indexed.search.outcomes["narrowed"] == 2


async def test_words_that_not_every_task_must_have_are_not_asked_of_it(indexed: Indexed) -> None:
    for title in ("one", "two", "three"):
        await indexed.world.task(title)
    await indexed.world.project()
    await indexed.fill()
    either = ListTasks(filter='text:"one" or text:"two"', sort="number")
    assert await indexed.world.titles(either) == ["one", "two"]
    assert await indexed.world.titles(ListTasks(filter='text!="one"', sort="number")) == ["two", "three"]
    assert await indexed.world.titles(ListTasks(sort="number")) == ["one", "two", "three"]
    assert await indexed.world.titles(ListTasks(q="...")) == []
    assert indexed.index.questions == 0


async def test_very_common_words_are_left_to_the_read_store(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "CANDIDATES_MAX", 3)
    for number in range(5):
        await indexed.world.task(f"common word{number}")
    await indexed.world.project()
    await indexed.fill()
    with_index, without = await indexed.both(ListTasks(q="common", limit=2))
    assert len(with_index) == 5
    assert with_index == without
    assert indexed.search.outcomes["common"] == 3
    assert len(await indexed.world.titles(ListTasks(q="common word1"))) == 1
    assert indexed.search.outcomes["narrowed"] == 1


# ── behind and away ─────────────────────────────────────────────────────────────────────────────────────


async def test_while_the_index_is_behind_the_read_store_answers(indexed: Indexed) -> None:
    await indexed.world.task("before")
    await indexed.world.project()
    await indexed.fill()
    await indexed.world.task("fresh")
    await indexed.world.project()
    assert await indexed.world.titles(ListTasks(q="fresh")) == ["fresh"]
    assert await indexed.world.titles(ListTasks(q="before")) == ["before"]
    assert indexed.search.outcomes == {"narrowed": 0, "common": 0, "behind": 2, "away": 0}
    await indexed.fill()
    indexed.search._quiet_until = 0.0
    assert await indexed.world.titles(ListTasks(q="fresh")) == ["fresh"]
    assert indexed.search.outcomes["narrowed"] == 1


async def test_a_least_position_is_kept_whatever_the_index_has_seen(indexed: Indexed) -> None:
    task = await indexed.world.task("first")
    await indexed.world.project()
    await indexed.fill()
    appended = await indexed.world.edit(task, title="second")
    least = WorkspacePosition("tasks", appended.partition, appended.position)
    assert await indexed.world.titles(ListTasks(q="second"), min_position=least) == ["second"]
    assert await indexed.world.titles(ListTasks(q="first"), min_position=least) == []


@pytest.mark.parametrize("fault", [Unavailable("It is away."), ModelGone("It is lost.")], ids=["away", "lost"])
async def test_while_the_index_is_away_the_read_store_answers_and_it_is_left_alone(
    indexed: Indexed, fault: Exception
) -> None:
    await indexed.world.task("here")
    await indexed.world.project()
    await indexed.fill()
    indexed.index.fault = fault
    for _ in range(5):
        assert await indexed.world.titles(ListTasks(q="here")) == ["here"]
    assert indexed.index.questions == 1
    assert indexed.search.outcomes["away"] == 5
    indexed.index.fault = None
    indexed.search._quiet_until = 0.0
    assert await indexed.world.titles(ListTasks(q="here")) == ["here"]
    assert indexed.search.outcomes["narrowed"] == 1


async def test_lists_of_the_past_are_not_asked_of_it(indexed: Indexed) -> None:
    task = await indexed.world.task("then")
    appended = await indexed.world.edit(task, title="now")
    await indexed.world.project()
    await indexed.fill()
    then = WorkspacePosition("tasks", PART, Position(appended.position - 1))
    assert await indexed.world.titles(ListTasks(q="then", at=then)) == ["then"]
    assert indexed.index.questions == 0

"""Answers lists from the hot view of tasks where it covers the question, and has it filled where it is unknown."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sigdep.kernel.conditions import holds
from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.hot_views import VIEW_ROWS_MAX, HotRow, HotViews, Place, Range, View
from sigdep.kernel.ids import Position, WorkspaceId, partition_of, uuid_of
from sigdep.kernel.read_store import All, Compare, Condition, ModelId, Order, Page, ReadStore, Select
from sigdep.tasks.read_models.hot_tasks import FACTS, facts_of, hot_row
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_key
from sigdep.tasks.read_service.questions import columns_of

READS_MAX: Final = 3
"""Of the view, for one page: where so many rows are left out, the read store has it sooner."""

MORE_TIMES: Final = 4
"""So many more rows each of them asks for than the one before."""

WANTED_MAX: Final = 100
"""Views that wait to be filled. More are filled when they are asked for again."""

AGAIN_SECONDS: Final = 1.0
"""Before a view is filled that could not be, or has been lost since."""

LARGE_SECONDS: Final = 60.0
"""The same where there were too many rows."""

TRIED_MAX: Final = 10_000
"""Views of which it is remembered when they may be filled again."""

Outcome = Literal["given", "unknown", "left out", "away"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("given", "unknown", "left out", "away")

_COLUMNS: Final = ("id", "due", "due_at", "due_on", "project_id")


@dataclass(frozen=True, slots=True)
class Question:
    """What of a view is asked for."""

    workspace: WorkspaceId
    person: UUID
    part: Range
    rest: All
    """What else must hold, of columns that a row answers for."""

    def chosen(self, rows: Sequence[HotRow]) -> Sequence[HotRow]:
        if not self.rest.parts:
            return rows
        return [row for row in rows if holds(self.rest, facts_of(row), ASSIGNMENTS)]


class HotLists:
    """Run its job. The read store stays the truth: whatever is unknown here, away or late, is asked of it."""

    def __init__(self, hot: HotViews, store: ReadStore) -> None:
        self._hot = hot
        self._store = store
        self._wanted: asyncio.Queue[View] = asyncio.Queue(WANTED_MAX)
        self._not_before: OrderedDict[View, float] = OrderedDict()
        self.outcomes: Final[Counter[Outcome]] = Counter(dict.fromkeys(OUTCOMES, 0))

    async def page(self, select: Select, model: ModelId, position: Position) -> Page | None:
        """The documents that the read store would give, and the same place to go on from. None: ask it.

        Args:
            position: where the read model stands, in the workspace's partition: no other will do.
        """
        question = question_of(select)
        if question is None:
            return None
        view = View(model, question.workspace, question.person)
        try:
            outcome, rows = await self._rows(question, view, position)
        except Unavailable:
            outcome, rows = "away", ()
        self.outcomes[outcome] += 1
        if outcome == "unknown":
            self._want(view)
        if outcome != "given":
            return None
        shown = rows[: select.limit]
        last = (shown[-1].time, assignment_key(question.person, shown[-1].id)) if len(rows) > len(shown) else None
        return Page([{"document": row.document} for row in shown], last)

    async def _rows(self, question: Question, view: View, position: Position) -> tuple[Outcome, Sequence[HotRow]]:
        """One more than a page, if there are."""
        found: list[HotRow] = []
        part = question.part
        for _ in range(READS_MAX):
            rows = await self._hot.page(view, position, part)
            if rows is None:
                return "unknown", ()
            found.extend(question.chosen(rows))
            if len(found) >= question.part.limit or len(rows) < part.limit:
                return "given", found[: question.part.limit]
            more = min(part.limit * MORE_TIMES, VIEW_ROWS_MAX)
            part = Range(after=rows[-1].place, since=part.since, until=part.until, limit=more)
        return "left out", ()

    # ── filling ───────────────────────────────────────────────────────────────────────────────────────

    def _want(self, view: View) -> None:
        now = asyncio.get_running_loop().time()
        if not self._wanted.full() and self._not_before.get(view, now) <= now:
            self._wait(view, AGAIN_SECONDS)
            self._wanted.put_nowait(view)

    def _wait(self, view: View, seconds: float) -> None:
        self._not_before[view] = asyncio.get_running_loop().time() + seconds
        self._not_before.move_to_end(view)
        if len(self._not_before) > TRIED_MAX:
            self._not_before.popitem(last=False)

    async def run(self) -> None:
        """Fill what is unknown and asked for, until cancelled."""
        while True:
            view = await self._wanted.get()
            try:
                await self.fill(view)
            except SigdepError:  # Whoever asks again has it tried again.
                continue

    async def fill(self, view: View) -> bool:
        """Returns whether the view is known now."""
        partition = partition_of(view.workspace)
        before = (await self._store.checkpoint(view.model)).get(partition, Position(0))
        rows = await self._all(view)
        if rows is None:
            self._wait(view, LARGE_SECONDS)
            return False
        if (await self._store.checkpoint(view.model)).get(partition, Position(0)) != before:
            return False  # The rows may be of two positions.
        return await self._hot.fill(view, before, rows)

    async def _all(self, view: View) -> Sequence[HotRow] | None:
        """None: there are too many."""
        mine = (
            Compare("assignee_id", "=", view.person),
            Compare("workspace_id", "=", view.workspace),
            Compare("trashed", "=", False),
            Compare("open", "=", True),
        )
        select = Select(
            table=ASSIGNMENTS, where=All(mine), order=(Order("due"),), limit=VIEW_ROWS_MAX, columns=_COLUMNS
        )
        page = await self._store.select(view.model, select)
        if page.next is not None:
            return None
        documents = await self._store.get_many(view.model, TASKS, [(row["id"],) for row in page.rows], ("document",))
        return [hot_row({**row, **documents[row["id"],]}) for row in page.rows if (row["id"],) in documents]


def question_of(select: Select) -> Question | None:
    """None: the view does not cover it."""
    if select.table is not ASSIGNMENTS or select.order != (Order("due"),) or not isinstance(select.where, All):
        return None
    said: dict[str, UUID | bool] = {}
    since: datetime | None = None
    until: datetime | None = None
    rest: list[Condition] = []
    for condition in select.where.parts:
        match condition:
            case Compare("assignee_id" | "workspace_id" | "open" | "trashed" as column, "=", UUID() | bool() as value):
                if said.setdefault(column, value) != value:
                    return None
            case Compare("due", ">=", datetime() as bound):
                since = bound if since is None else max(since, bound)
            case Compare("due", "<", datetime() as bound):
                until = bound if until is None else min(until, bound)
            case _:
                rest.append(condition)
    workspace, person = said.get("workspace_id"), said.get("assignee_id")
    if not isinstance(workspace, UUID) or not isinstance(person, UUID):
        return None
    if said.get("open") is not True or said.get("trashed") is not False:
        return None
    after = _place(select.after, person)
    if (select.after is not None and after is None) or not all(columns_of(one) <= FACTS for one in rest):
        return None
    part = Range(after=after, since=since, until=until, limit=select.limit + 1)
    return Question(WorkspaceId(workspace), person, part, All(tuple(rest)))


def _place(after: Sequence[object] | None, person: UUID) -> Place | None:
    """None too: it is no place of this person's."""
    match after:
        case (datetime() | None as due, bytes() as key) if len(key) == 2 * len(person.bytes):
            return Place(due, uuid_of(key[len(person.bytes) :])) if key.startswith(person.bytes) else None
        case _:
            return None

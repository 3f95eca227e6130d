"""The context of notifications over memory, with an owner of things that are due, and a channel that records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.contracts.membership import Contact, FindContact
from sigdep.contracts.reminding import (
    DUE,
    DuePlace,
    DueReminder,
    DueTask,
    DueTasks,
    FindDueTasks,
    FindReminders,
    ThingReminders,
)
from sigdep.kernel.channel import Message, Outcome, Sent
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import NotFound, Unavailable
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId
from sigdep.kernel.lease import Holder
from sigdep.kernel.messages import Command, Query
from sigdep.notifications.commands.people import Choice
from sigdep.notifications.context import EVENTS, read_model
from sigdep.notifications.domain.reminder import reminder_id
from sigdep.notifications.events.inbox import Kind, Thing
from sigdep.notifications.events.reminders import ReminderId
from sigdep.notifications.queries.reminders import GetReminder, ReminderHistory
from sigdep.notifications.read_service.service import NotificationsRead
from sigdep.notifications.reminding import TASKS, ReminderReactions
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.horizon import Horizon
from sigdep.notifications.writing.leads import Leads
from sigdep.notifications.writing.messages import Messages
from sigdep.notifications.writing.nearing import Nearing
from sigdep.notifications.writing.owners import Owners
from sigdep.notifications.writing.reminding import Reminding
from sigdep.notifications.writing.scheduler import ReminderScheduler
from sigdep.notifications.writing.sender import Sender
from sigdep.notifications.writing.targets import TargetsOfPeople
from sigdep.notifications.writing.unsubscribing import UnsubscribeTokens
from sigdep.rpc.call import Answer, Call, Principal
from sigdep.services.projector import Projector

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADA, BOB = UserId(UUID(int=1 << 64)), UserId(UUID(int=2 << 64))
TEAM = WorkspaceId(UUID(int=(3 << 64) + 5))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Clock:
    """It shows what it is set to."""

    at: datetime = NOON

    async def now(self) -> datetime:
        return self.at


@dataclass
class Item:
    """A thing, as its owner knows it."""

    title: str
    due: list[DueReminder]
    is_open: bool = True
    continues: bool = False


@dataclass
class Owner:
    """Answers FindReminders, and FindDueTasks."""

    items: dict[UUID, Item] = field(default_factory=dict)
    is_away: bool = False
    page: int = 1_000
    asked: list[FindReminders] = field(default_factory=list)
    overtaken_by: Callable[[], Awaitable[None]] | None = None
    """What happens between its next answer and whatever that leads to."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert call.principal is None
        if isinstance(message, FindDueTasks):
            return Answer(value=self._due_tasks(message))
        assert isinstance(message, FindReminders)
        self.asked.append(message)
        if self.is_away:
            raise Unavailable("It is away.")
        item = self.items.get(message.thing_id)
        if item is None:
            raise NotFound("There is no such thing.")
        due = sorted((one for one in item.due if item.is_open), key=lambda one: one.due_at)
        within = [one for one in due if message.since <= one.due_at < message.until]
        until = within[self.page].due_at if len(within) > self.page else message.until
        told = tuple(one for one in within if one.due_at < until)
        later = item.continues or any(one.due_at >= until for one in due)
        title, overtaken_by, self.overtaken_by = item.title, self.overtaken_by, None
        if overtaken_by is not None:
            await overtaken_by()
        return Answer(
            value=ThingReminders(workspace_id=TEAM, title=title, due=told, complete_until=until, continues=later)
        )

    def _due_tasks(self, query: FindDueTasks) -> DueTasks:
        if self.is_away:
            raise Unavailable("It is away.")
        after = query.after and (query.after.due_at, query.after.task_id)
        due = sorted(
            (one.starts_at, TaskId(identity))
            for identity, item in self.items.items()
            for one in item.due
            if item.is_open and query.since <= one.starts_at < query.until
        )
        left = [one for one in due if not after or one > after]
        page = [DueTask(due_at=at, task_id=task, workspace_id=TEAM) for at, task in left[: self.page]]
        more = len(left) > len(page)
        last = DuePlace(workspace_id=TEAM, due_at=page[-1].due_at, task_id=page[-1].task_id) if more else None
        return DueTasks(tasks=tuple(page), next=last)


@dataclass
class Roster:
    """Who belongs to the team, and where people can be reached."""

    members: set[UserId] = field(default_factory=lambda: {ADA, BOB})
    is_away: bool = False

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        if self.is_away:
            raise Unavailable("It is away.")
        return {user for user in user_ids if user not in self.members}

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert isinstance(message, FindContact)
        name = "Ada" if message.user_id == ADA else "Bob"
        return Answer(value=Contact(email=f"{name}@example.com", name=name, time_zone="UTC", locale="en"))


@dataclass
class Wire:
    """A channel that records, and does what it is told to."""

    sent: list[Message] = field(default_factory=list)
    outcomes: list[Outcome | BaseException] = field(default_factory=list)
    """What the next calls come to. None left: they arrive."""
    held: asyncio.Event | None = None

    def objection(self, target: bytes) -> str | None:
        return None

    async def send(self, target: bytes, message: Message) -> Outcome:
        self.sent.append(message)
        if self.held is not None:
            await self.held.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Sent(reference="250")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def close(self) -> None:
        return


@dataclass
class Figures:
    late: list[float] = field(default_factory=list)
    delivered_as: list[str] = field(default_factory=list)
    calls: int = 0

    def fired(self, late_seconds: float) -> None:
        self.late.append(late_seconds)

    def called(self, channel: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls += 1

    def delivered(self, channel: str, outcome: str) -> None:
        self.delivered_as.append(outcome)


@dataclass
class Side:
    """One process of those that write."""

    write: NotificationsWrite
    reminding: Reminding
    scheduler: ReminderScheduler
    sender: Sender
    horizon: Horizon
    nearing: Nearing
    leads: Leads
    reactions: ReminderReactions


@dataclass
class World:
    owner: Owner = field(default_factory=Owner)
    roster: Roster = field(default_factory=Roster)
    clock: Clock = field(default_factory=Clock)
    wire: Wire = field(default_factory=Wire)
    figures: Figures = field(default_factory=Figures)
    keys: MemoryKeyRing = field(default_factory=MemoryKeyRing)
    log: MemoryLog = field(default_factory=MemoryLog)
    heard: int = 0

    def __post_init__(self) -> None:
        views = MemoryReadStore()
        self.store = MemoryEventStore(Codec(EVENTS, self.keys), self.log)
        self.projector = Projector(self.store, views, read_model())
        self.read = NotificationsRead(views, self.store, self.projector, lambda: "")
        self.side = self.process(alone=True)

    def process(self, name: str = "one", *, alone: bool = False, zones: str = "2026b", incarnation: int = 1) -> Side:
        """Another process that writes, on the same log."""
        write = NotificationsWrite(
            self.store,
            members=self.roster,
            read=self.read,
            sources={},
            url_objection=lambda _url: None,
            tokens=UnsubscribeTokens(bytes(32)),
            alone=alone,
        )
        executor: Executor = write.executor
        reminding = Reminding(
            write.around,
            executor,
            owners=Owners({"task": self.owner}),
            clock=self.clock,
            zones=zones,
            figures=self.figures,
        )
        sender = Sender(
            "email",
            self.wire,
            write.around,
            executor,
            read=self.read,
            targets=TargetsOfPeople(write.around, users=self.roster, write=write),
            messages=Messages(self.read, "https://sigdep.example", write.tokens),
            clock=self.clock,
            holder=Holder(name, name, incarnation),
            figures=self.figures,
            chance=Random(7),
        )
        return Side(
            write=write,
            reminding=reminding,
            scheduler=ReminderScheduler(reminding, self.read, self.clock, [sender.work]),
            sender=sender,
            horizon=Horizon(reminding, self.read, self.clock),
            nearing=Nearing(reminding, tasks=self.owner, read=self.read, clock=self.clock),
            leads=Leads(reminding, self.read, self.clock),
            reactions=ReminderReactions(TASKS, reminding, self.clock),
        )

    # ── things ────────────────────────────────────────────────────────────────────────────────────────

    def thing(self, title: str, *due_at: datetime, people: tuple[UserId, ...] = (ADA,), **item: Any) -> UUID:
        identity = uuid7()
        due = [due_of(at, people, f"P{number}") for number, at in enumerate(due_at)]
        self.owner.items[identity] = Item(title, due, **item)
        return identity

    def task_due(self, title: str, due_at: datetime, people: tuple[UserId, ...] = (ADA,)) -> UUID:
        """A task that has no reminders of its own."""
        identity = uuid7()
        due = DueReminder(reminder=DUE, due_at=due_at, starts_at=due_at, recipients=people)
        self.owner.items[identity] = Item(title, [due])
        return identity

    async def say(
        self, identity: UUID, what: str = "TaskCreated", side: Side | None = None, *, reminds: bool = True, **data: Any
    ) -> None:
        """The reaction to a public event hears of it.

        Args:
            reminds: the event itself says that somebody is to be reminded.
        """
        self.heard += 1
        event = CloudEvent(
            id=f"5-{self.heard}",
            source="/contexts/tasks",
            type=TASKS + what,
            time=self.clock.at,
            subject=f"task-{identity}",
            workspaceid=TEAM,
            data={"reminders": [{"before": "PT10M"}]} if reminds else data,
        )
        await (side or self.side).reactions.react(event)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────

    async def caught_up(self) -> None:
        for partition, position in (await self.store.heads()).items():
            await self.projector.wait_for(partition, position)

    async def work(self, *works: Any) -> None:
        """All that is due now, until nothing is left."""
        for work in works:
            for _ in range(100):
                await self.caught_up()
                found = await work.find(await self.clock.now(), 500)
                if not any([await piece.do() for piece in found.pieces]):
                    break
        await self.caught_up()

    async def fire(self, at: datetime | None = None, side: Side | None = None) -> None:
        self.clock.at = at or self.clock.at
        await self.work((side or self.side).scheduler.work)

    async def send(self, side: Side | None = None) -> None:
        await self.work((side or self.side).sender.work)

    # ── what came of it ───────────────────────────────────────────────────────────────────────────────

    def call(self, user: UserId = ADA) -> Call:
        principal = Principal(user_id=user, personal_workspace_id=WorkspaceId(user), roles={TEAM: "member"})
        return Call(asked_at=self.clock.at, command_id=CommandId(uuid7()), principal=principal)

    async def ask(self, message: Any, user: UserId = ADA) -> Any:
        side = self.side.write if isinstance(message, Command) else self.read
        await self.caught_up()
        return (await side.ask(message, self.call(user))).value

    async def history(self, one: ReminderId, user: UserId = ADA) -> ReminderHistory:
        shown: ReminderHistory = await self.ask(GetReminder(reminder_id=one), user)
        return shown

    async def events(self, kind: str) -> list[Any]:
        """All of a type, in the order of each stream."""
        found = list[Any]()
        for stream in sorted(self.log.streams):
            found += [one.event for one in (await self.store.read(stream)).events if one.type == kind]
        return found


def reminder_of(identity: UUID, number: int = 0, user: UserId = ADA) -> ReminderId:
    return reminder_id(Thing(kind="task", id=identity), f"P{number}", user)


def due_of(at: datetime, people: tuple[UserId, ...] = (ADA,), name: str = "P0", occurrence: str = "") -> DueReminder:
    return DueReminder(reminder=name, occurrence=occurrence, due_at=at, starts_at=at + 10 * MINUTE, recipients=people)


@asynccontextmanager
async def open_world(**parts: Any) -> AsyncIterator[World]:
    world = World(**parts)
    projecting = asyncio.create_task(world.projector.run())
    try:
        async with asyncio.timeout(10):
            while world.projector.state == "starting":
                await asyncio.sleep(0)
        yield world
    finally:
        await world.store.close()
        projecting.cancel()
        await asyncio.gather(projecting, return_exceptions=True)


def steps_of(history: ReminderHistory) -> list[str]:
    return [step.what for step in history.steps]


_REMINDERS: tuple[Kind, ...] = ("reminder", "reminders.missed")

EMAILED = tuple(Choice(kind=kind, channel="email", wanted=True) for kind in _REMINDERS)
"""Of somebody who wants reminders by e-mail."""

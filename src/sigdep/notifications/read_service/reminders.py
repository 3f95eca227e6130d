"""Questions about reminders: a person's own, with all that has happened to them, and what is due."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import asdict

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.reminding import DUE
from sigdep.http.routes import Listing
from sigdep.kernel.cursors import Paging
from sigdep.kernel.ids import Version
from sigdep.kernel.read_store import All, Compare, Condition, Key, OneOf, Order, Row, Select, Table
from sigdep.kernel.read_store import Any as Either
from sigdep.kernel.store import EventLog
from sigdep.notifications.domain.delivery import DELIVERY, Delivery
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.domain.reminder_decisions import REMINDER, ReminderNotFound
from sigdep.notifications.domain.schedule import Schedule
from sigdep.notifications.events.deliveries import DeliveryId
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.events.reminders import ReminderFired, ReminderId
from sigdep.notifications.queries.deliveries import (
    DeliveryView,
    DueDeliveries,
    FindAbandonedDeliveries,
    FindDueDeliveries,
    WaitingDelivery,
)
from sigdep.notifications.queries.reminders import (
    DueReminders,
    DueSoonPage,
    DueSoonPlace,
    DueSoonThing,
    FindDueReminders,
    FindDueSoon,
    FindSchedulesBehind,
    FindUnscheduled,
    GetReminder,
    ListReminders,
    ReminderHistory,
    ReminderView,
    ScheduleBehind,
    WaitingReminder,
)
from sigdep.notifications.read_models.deliveries import DELIVERIES
from sigdep.notifications.read_models.reminders import REMINDERS, SCHEDULES
from sigdep.notifications.read_service.rows import Rows, state_in
from sigdep.notifications.read_service.steps import delivery_steps, reminder_steps
from sigdep.rpc.call import Answer, Call

FIRINGS_SHOWN_MAX: Final = 20
"""Times that a reminder was fired, the last ones, whose deliveries are shown."""

DELIVERIES_SHOWN_MAX: Final = 100

_DUE: Final = ("id", "workspace_id", "version", "user_id", "thing_id", "fires_at")
_TITLE: Final = ("title",)
_ID: Final = ("id",)


class Reminders:
    def __init__(self, rows: Rows, log: EventLog) -> None:
        """
        Args:
            log: the context's log, for histories.
        """
        self._rows = rows
        self._log = log

    # ── asked by people ───────────────────────────────────────────────────────────────────────────────

    async def find(self, query: ListReminders, call: Call) -> Answer[Listing[ReminderView]]:
        who = call.caller
        where: list[Condition] = [Compare("user_id", "=", who.user_id)]
        if query.state:
            where.append(OneOf("state", query.state))
        if query.thing_id is not None:
            where.append(Compare("thing_id", "=", query.thing_id))
        paging = Paging(query, who.user_id)
        order = (Order("fires_at", descending=query.latest_first),)
        select = Select(table=REMINDERS, where=All(tuple(where)), order=order, limit=query.limit)
        position = self._rows.reflected(who.user_id)
        page = await self._rows.select(paging.after(select, query.cursor))
        reminders = [one for row in page.rows if (one := state_in(row, Reminder)).workspace_id in who.roles]
        titles = await self._titles(one.thing.id for one in reminders)
        items = [ReminderView(**_fields(one, titles.get(one.thing.id, ""))) for one in reminders]
        return Answer(value=Listing(items=items, next_cursor=paging.cursor(page.next)), position=position)

    async def get(self, query: GetReminder, call: Call) -> Answer[ReminderHistory]:
        events = (await self._log.read(REMINDER.stream(query.reminder_id))).events
        reminder = REMINDER.fold(REMINDER.initial, [recorded.event for recorded in events])
        if reminder.user_id != call.caller.user_id or reminder.workspace_id not in call.caller.roles:
            raise ReminderNotFound
        position = self._rows.reflected(reminder.workspace_id)
        fired = [recorded.event for recorded in events if isinstance(recorded.event, ReminderFired)]
        told = [event.notification_id for event in fired[-FIRINGS_SHOWN_MAX:]]
        if reminder.why == "missed" and reminder.notification_id is not None:
            told.append(reminder.notification_id)
        titles = await self._titles([reminder.thing.id])
        history = ReminderHistory(
            **_fields(reminder, titles.get(reminder.thing.id, "")),
            steps=reminder_steps(events),
            deliveries=await self._deliveries(told),
        )
        return Answer(value=history, version=Version(reminder.version), position=position)

    async def _deliveries(self, told: Sequence[NotificationId]) -> Sequence[DeliveryView]:
        if not told:
            return ()
        select = Select(table=DELIVERIES, where=OneOf("notification_id", tuple(told)), limit=DELIVERIES_SHOWN_MAX)
        rows = (await self._rows.select(select)).rows
        found = sorted((state_in(row, Delivery) for row in rows), key=lambda one: (one.requested_at, one.channel))
        return [await self._delivery(one) for one in found]

    async def _delivery(self, delivery: Delivery) -> DeliveryView:
        events = (await self._log.read(DELIVERY.stream(delivery.id))).events
        now = DELIVERY.fold(DELIVERY.initial, [recorded.event for recorded in events])
        return DeliveryView(
            id=now.id,
            notification_id=now.notification_id,
            channel=now.channel,
            target_id=now.target_id,
            state=now.state,
            attempts=now.attempts,
            in_doubt=now.in_doubt,
            why=now.why,
            steps=delivery_steps(events),
        )

    # ── asked by services ─────────────────────────────────────────────────────────────────────────────

    async def find_due(self, query: FindDueReminders, call: Call) -> Answer[DueReminders]:
        call.require_nobody()
        scheduled = Compare("state", "=", "scheduled")
        rows, next_at = await self._due(REMINDERS, scheduled, "fires_at", query.now, query.limit, _DUE)
        titles = await self._titles(_uuid(row, "thing_id") for row in rows)
        return Answer(value=DueReminders(due=tuple(_waiting(row, titles) for row in rows), next_at=next_at))

    async def find_due_deliveries(self, query: FindDueDeliveries, call: Call) -> Answer[DueDeliveries]:
        call.require_nobody()
        unfinished = All((Compare("channel", "=", query.channel), Compare("unfinished", "=", True)))
        columns = ("id", "workspace_id", "version", "next_at")
        rows, next_at = await self._due(DELIVERIES, unfinished, "next_at", query.now, query.limit, columns)
        since = rows[0]["next_at"] if rows else None
        assert since is None or isinstance(since, datetime)
        return Answer(value=DueDeliveries(due=tuple(map(_waiting_delivery, rows)), next_at=next_at, since=since))

    async def find_abandoned(self, query: FindAbandonedDeliveries, call: Call) -> Answer[DueDeliveries]:
        call.require_nobody()
        where = All(
            (
                Compare("attempted_by", "=", query.place),
                Compare("incarnation", "<", query.incarnation),
                Compare("channel", "=", query.channel),
            )
        )
        columns = ("id", "workspace_id", "version")
        page = await self._rows.select(Select(table=DELIVERIES, where=where, limit=query.limit, columns=columns))
        return Answer(value=DueDeliveries(due=tuple(map(_waiting_delivery, page.rows)), next_at=None))

    async def find_behind(self, query: FindSchedulesBehind, call: Call) -> Answer[tuple[ScheduleBehind, ...]]:
        call.require_nobody()
        short = All((Compare("continues", "=", True), Compare("known_until", "<", query.known_before)))
        still_due = Compare("last_due_at", ">", query.now)
        other_zones = All((Compare("zones", "!=", query.zones), Either((Compare("continues", "=", True), still_due))))
        select = Select(
            table=SCHEDULES, where=Either((short, other_zones)), order=(Order("known_until"),), limit=query.limit
        )
        schedules = [state_in(row, Schedule) for row in (await self._rows.select(select)).rows]
        return Answer(
            value=tuple(
                ScheduleBehind(thing=one.thing, workspace_id=one.workspace_id, zones=one.zones, version=one.version)
                for one in schedules
            )
        )

    async def find_unscheduled(self, query: FindUnscheduled, call: Call) -> Answer[tuple[UUID, ...]]:
        call.require_nobody()
        known = await self._rows.get_many(SCHEDULES, {(thing,) for thing in query.things}, _ID)
        return Answer(value=tuple(thing for thing in query.things if (thing,) not in known))

    async def find_due_soon(self, query: FindDueSoon, call: Call) -> Answer[DueSoonPage]:
        call.require_nobody()
        after = query.after
        select = Select(
            table=REMINDERS,
            where=All((Compare("user_id", "=", query.user_id), Compare("state", "=", "scheduled"))),
            order=(Order("fires_at"),),
            after=None if after is None else (after.fires_at, after.reminder_id),
            limit=query.limit,
        )
        page = await self._rows.select(select)
        reminders = [state_in(row, Reminder) for row in page.rows]
        last = reminders[-1] if page.next is not None else None
        return Answer(
            value=DueSoonPage(
                things=tuple(
                    DueSoonThing(thing=one.thing, workspace_id=one.workspace_id)
                    for one in reminders
                    if one.reminder == DUE
                ),
                next=None if last is None else DueSoonPlace(fires_at=last.fires_at, reminder_id=last.id),
            )
        )

    async def _due(
        self, table: Table, waiting: Condition, column: str, now: datetime, limit: int, columns: tuple[str, ...]
    ) -> tuple[Sequence[Row], datetime | None]:
        """The rows whose time has come, the longest due first; and when the next one's time comes."""
        order = (Order(column),)
        come = All((waiting, Compare(column, "<=", now)))
        page = await self._rows.select(Select(table=table, where=come, order=order, limit=limit, columns=columns))
        to_come = All((waiting, Compare(column, ">", now)))
        first = await self._rows.select(Select(table=table, where=to_come, order=order, limit=1, columns=columns))
        next_at = first.rows[0][column] if first.rows else None
        assert next_at is None or isinstance(next_at, datetime)
        return page.rows, next_at

    async def _titles(self, things: Iterable[UUID]) -> Mapping[UUID, str]:
        keys = {(thing,) for thing in things}
        if not keys:
            return {}
        found = await self._rows.get_many(SCHEDULES, keys, _TITLE)
        return {_key(key): str(row["title"]) for key, row in found.items()}


def _fields(reminder: Reminder, title: str) -> dict[str, Any]:
    """Of a ReminderView."""
    fields: dict[str, Any] = {**asdict(reminder), "title": title}
    del fields["user_id"]
    return fields


def _waiting(row: Row, titles: Mapping[UUID, str]) -> WaitingReminder:
    fires_at = row["fires_at"]
    assert isinstance(fires_at, datetime)
    return WaitingReminder(
        reminder_id=ReminderId(_uuid(row, "id")),
        workspace_id=WorkspaceId(_uuid(row, "workspace_id")),
        user_id=UserId(_uuid(row, "user_id")),
        fires_at=fires_at,
        title=titles.get(_uuid(row, "thing_id"), ""),
        version=_integer(row, "version"),
    )


def _waiting_delivery(row: Row) -> WaitingDelivery:
    return WaitingDelivery(
        delivery_id=DeliveryId(_uuid(row, "id")),
        workspace_id=WorkspaceId(_uuid(row, "workspace_id")),
        version=_integer(row, "version"),
    )


def _uuid(row: Row, column: str) -> UUID:
    value = row[column]
    assert isinstance(value, UUID)
    return value


def _integer(row: Row, column: str) -> int:
    value = row[column]
    assert isinstance(value, int)
    return value


def _key(key: Key) -> UUID:
    (value,) = key
    assert isinstance(value, UUID)
    return value

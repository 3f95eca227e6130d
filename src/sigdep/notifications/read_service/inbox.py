"""Questions of a person about their notifications."""

from collections import Counter
from typing import Final
from uuid import UUID

from msgspec import convert

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.routes import Listing
from sigdep.kernel.cursors import Paging
from sigdep.kernel.ids import Version
from sigdep.kernel.read_store import PAGE_ROWS_MAX, All, Compare, Condition, OneOf, Row, Select
from sigdep.kernel.store import EventLog
from sigdep.notifications.domain.notification import NOTIFICATION, Notification, NotificationNotFound
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.queries.inbox import CountNotifications, Counts, GetNotification, ListNotifications
from sigdep.notifications.read_models.notifications import NEWEST_FIRST, NOTIFICATIONS
from sigdep.notifications.read_service.digests import Digests
from sigdep.notifications.read_service.rows import Rows, notification_in
from sigdep.rpc.call import Answer, Call, Principal

_COUNTED: Final = ("workspace_id", "kind")


class Inbox:
    """Everything is about the caller, in the workspaces that they are members of at present.

    What they were told in a workspace that they have left goes as soon as that is heard here; until then, the roles
    that come with the call hide it.
    """

    def __init__(self, rows: Rows, log: EventLog, digests: Digests) -> None:
        self._rows = rows
        self._digests = digests
        self._log = log

    async def get(self, query: GetNotification, call: Call) -> Answer[Notification]:
        row = await self._rows.get(NOTIFICATIONS, (query.notification_id,))
        notification = await self._folded(query) if row is None else notification_in(row)
        if notification.recipient_id != call.caller.user_id or notification.workspace_id not in call.caller.roles:
            raise NotificationNotFound
        position = self._rows.reflected(notification.workspace_id)
        (shown,) = await self._digests.worded([notification], call.caller)
        return Answer(value=shown, version=Version(notification.version), position=position)

    async def _folded(self, query: GetNotification) -> Notification:
        """What a write has returned is there, even where the projector is a moment behind."""
        events = (await self._log.read(NOTIFICATION.stream(query.notification_id))).events
        return NOTIFICATION.fold(NOTIFICATION.initial, [recorded.event for recorded in events])

    async def find(self, query: ListNotifications, call: Call) -> Answer[Listing[Notification]]:
        who = call.caller
        if query.workspace_id is not None:
            who.require(query.workspace_id, "viewer", "This workspace")
        paging = Paging(query, who.user_id)
        select = Select(
            table=NOTIFICATIONS, where=All(tuple(_asked(query, who))), order=NEWEST_FIRST, limit=query.limit
        )
        position = self._rows.reflected(query.workspace_id or who.user_id)
        page = await self._rows.select(paging.after(select, query.cursor))
        found = [notification_in(row) for row in page.rows if _is_member(row, who)]
        shown = await self._digests.worded(found, who)
        return Answer(value=Listing(items=shown, next_cursor=paging.cursor(page.next)), position=position)

    async def count(self, _query: CountNotifications, call: Call) -> Answer[Counts]:
        who = call.caller
        position = self._rows.reflected(who.user_id)
        unread, more_unread = await self._counted(who, "unread")
        snoozed, more_snoozed = await self._counted(who, "snoozed")
        counts = Counts(
            unread=unread.total(),
            snoozed=snoozed.total(),
            unread_by_kind=dict(unread),
            at_least=more_unread or more_snoozed,
        )
        return Answer(value=counts, position=position)

    async def _counted(self, who: Principal, state: str) -> tuple[Counter[Kind], bool]:
        """By kind, and whether there are more than one look counts."""
        where = All((Compare("recipient_id", "=", who.user_id), Compare("state", "=", state)))
        select = Select(table=NOTIFICATIONS, where=where, order=NEWEST_FIRST, limit=PAGE_ROWS_MAX, columns=_COUNTED)
        page = await self._rows.select(select)
        return Counter(convert(row["kind"], Kind) for row in page.rows if _is_member(row, who)), page.next is not None


def _asked(query: ListNotifications, who: Principal) -> list[Condition]:
    where: list[Condition] = [Compare("recipient_id", "=", who.user_id)]
    if not query.state:
        where.append(Compare("in_inbox", "=", True))
    elif len(set(query.state)) == 1:
        where.append(Compare("state", "=", query.state[0]))
    else:
        where.append(OneOf("state", query.state))
    if query.kind:
        where.append(OneOf("kind", query.kind))
    if query.workspace_id is not None:
        where.append(Compare("workspace_id", "=", query.workspace_id))
    return where


def _is_member(row: Row, who: Principal) -> bool:
    workspace = row["workspace_id"]
    assert isinstance(workspace, UUID)
    return WorkspaceId(workspace) in who.roles

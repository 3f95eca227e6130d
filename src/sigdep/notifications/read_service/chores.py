"""Questions of the writing side, and of whoever looks what time it is: about nobody in particular."""

from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.read_store import All, Compare, Condition, Order, Row, Select
from sigdep.notifications.domain.preferences import Preferences, lead_of
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.inbox import FindReturning, FindUnread, Found, FoundPage
from sigdep.notifications.queries.people import FindLeadsBehind, LeadBehind
from sigdep.notifications.read_models.notifications import NEWEST_FIRST, NOTIFICATIONS
from sigdep.notifications.read_models.people import PREFERENCE_ROWS
from sigdep.notifications.read_service.rows import Rows, state_in
from sigdep.rpc.call import Answer, Call

_PLACE: Final = ("id", "workspace_id")


class Chores:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find_unread(self, query: FindUnread, call: Call) -> Answer[FoundPage]:
        call.require_nobody()
        where: list[Condition] = [Compare("recipient_id", "=", query.user_id), Compare("state", "=", "unread")]
        if query.workspace_id is not None:
            where.append(Compare("workspace_id", "=", query.workspace_id))
        paging = Paging(query, query.user_id)
        select = Select(
            table=NOTIFICATIONS, where=All(tuple(where)), order=NEWEST_FIRST, limit=query.limit, columns=_PLACE
        )
        page = await self._rows.select(paging.after(select, query.cursor))
        found = tuple(_found(row) for row in page.rows)
        return Answer(value=FoundPage(found=found, next_cursor=paging.cursor(page.next)))

    async def find_returning(self, query: FindReturning, call: Call) -> Answer[tuple[Found, ...]]:
        call.require_nobody()
        select = Select(
            table=NOTIFICATIONS,
            where=Compare("snoozed_until", "<=", query.now),
            order=(Order("snoozed_until"),),
            limit=query.limit,
            columns=_PLACE,
        )
        return Answer(value=tuple(_found(row) for row in (await self._rows.select(select)).rows))

    async def find_leads_behind(self, query: FindLeadsBehind, call: Call) -> Answer[tuple[LeadBehind, ...]]:
        call.require_nobody()
        select = Select(
            table=PREFERENCE_ROWS,
            where=Compare("lead_behind_since", "<=", query.now),
            order=(Order("lead_behind_since"),),
            limit=query.limit,
        )
        behind = [state_in(row, Preferences) for row in (await self._rows.select(select)).rows]
        return Answer(
            value=tuple(LeadBehind(user_id=one.user_id, lead=lead_of(one), version=one.version) for one in behind)
        )


def _found(row: Row) -> Found:
    identity, workspace = row["id"], row["workspace_id"]
    assert isinstance(identity, UUID)
    assert isinstance(workspace, UUID)
    return Found(notification_id=NotificationId(identity), workspace_id=WorkspaceId(workspace))

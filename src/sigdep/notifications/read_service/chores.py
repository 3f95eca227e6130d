"""Questions of the writing side, and of whoever looks what time it is: about nobody in particular."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.read_store import All, Compare, Condition, Order, Row, Select
from sigdep.notifications.domain.digest import digest_items, digest_title
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.domain.preferences import Preferences, digest_day
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.digest import DigestDue, FindDigestItems, FindDigestsDue
from sigdep.notifications.queries.inbox import FindReturning, FindUnread, Found, FoundPage
from sigdep.notifications.read_models.notifications import NOTIFICATIONS
from sigdep.notifications.read_models.people import PREFERENCE_ROWS
from sigdep.notifications.read_service.inbox import NEWEST_FIRST
from sigdep.notifications.read_service.rows import Rows, notification_in, require_nobody, state_in
from sigdep.rpc.call import Answer, Call

DIGESTED_MAX: Final = 200
"""So many unread notifications are counted in a digest."""

_PLACE: Final = ("id", "workspace_id")


class Chores:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find_unread(self, query: FindUnread, call: Call) -> Answer[FoundPage]:
        require_nobody(call)
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
        require_nobody(call)
        select = Select(
            table=NOTIFICATIONS,
            where=Compare("snoozed_until", "<=", query.now),
            order=(Order("snoozed_until"),),
            limit=query.limit,
            columns=_PLACE,
        )
        return Answer(value=tuple(_found(row) for row in (await self._rows.select(select)).rows))

    async def find_digests_due(self, query: FindDigestsDue, call: Call) -> Answer[tuple[DigestDue, ...]]:
        require_nobody(call)
        select = Select(
            table=PREFERENCE_ROWS,
            where=Compare("digest_due_at", "<=", query.now),
            order=(Order("digest_due_at"),),
            limit=query.limit,
        )
        page = await self._rows.select(select)
        return Answer(value=tuple([await self._due(state_in(row, Preferences), query) for row in page.rows]))

    async def find_digest_items(self, query: FindDigestItems, call: Call) -> Answer[tuple[str, ...]]:
        require_nobody(call)
        return Answer(value=digest_items(await self._unread(query.user_id)))

    async def _due(self, preferences: Preferences, query: FindDigestsDue) -> DigestDue:
        return DigestDue(
            user_id=preferences.user_id,
            workspace_id=preferences.workspace_id,
            on=digest_day(preferences, query.now),
            title=digest_title(await self._unread(preferences.user_id)),
        )

    async def _unread(self, user: UserId) -> Sequence[Notification]:
        where = All((Compare("recipient_id", "=", user), Compare("state", "=", "unread")))
        select = Select(table=NOTIFICATIONS, where=where, order=NEWEST_FIRST, limit=DIGESTED_MAX)
        return [notification_in(row) for row in (await self._rows.select(select)).rows]


def _found(row: Row) -> Found:
    identity, workspace = row["id"], row["workspace_id"]
    assert isinstance(identity, UUID)
    assert isinstance(workspace, UUID)
    return Found(notification_id=NotificationId(identity), workspace_id=WorkspaceId(workspace))

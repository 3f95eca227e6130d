"""Digests: whose is due, and what one tells of, as far as its reader may know that still."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.read_store import All, Compare, Order, Select
from sigdep.notifications.domain.digest import ITEMS_MAX, digest_body, digest_item, digest_title
from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.domain.preferences import Preferences, digest_day
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.digest import DigestDue, DigestItem, FindDigestItems, FindDigestsDue
from sigdep.notifications.read_models.notifications import NEWEST_FIRST, NOTIFICATIONS
from sigdep.notifications.read_models.people import PREFERENCE_ROWS
from sigdep.notifications.read_service.rows import Rows, notification_in, state_in
from sigdep.rpc.call import Answer, Call, Principal

DIGESTED_MAX: Final = 200
"""So many unread notifications are counted in a digest."""


class Digests:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find_due(self, query: FindDigestsDue, call: Call) -> Answer[tuple[DigestDue, ...]]:
        call.require_nobody()
        select = Select(
            table=PREFERENCE_ROWS,
            where=Compare("digest_due_at", "<=", query.now),
            order=(Order("digest_due_at"),),
            limit=query.limit,
        )
        page = await self._rows.select(select)
        return Answer(value=tuple([await self._due(state_in(row, Preferences), query) for row in page.rows]))

    async def find_items(self, query: FindDigestItems, call: Call) -> Answer[tuple[DigestItem, ...]]:
        call.require_nobody()
        known = await self._known(query.items)
        told = [known[one] for one in query.items if one in known and known[one].recipient_id == query.user_id]
        return Answer(value=tuple(digest_item(one) for one in told))

    async def worded(self, shown: Sequence[Notification], who: Principal) -> Sequence[Notification]:
        """The same, where each digest says what it tells of."""
        known = await self._known(one for digest in shown for one in digest.items)
        mine = {
            identity: one for identity, one in known.items()
            if one.recipient_id == who.user_id and one.workspace_id in who.roles
        }  # fmt: skip
        return [_worded(notification, mine) if notification.items else notification for notification in shown]

    async def _known(self, asked: Iterable[NotificationId]) -> Mapping[NotificationId, Notification]:
        """Those of a workspace that was erased, or that its reader has left, are not there any more."""
        keys = {(one,) for one in asked}
        if not keys:
            return {}
        rows = await self._rows.get_many(NOTIFICATIONS, keys, ("document",))
        found = [notification_in(row) for row in rows.values()]
        return {one.id: one for one in found}

    async def _due(self, preferences: Preferences, query: FindDigestsDue) -> DigestDue:
        unread = await self._unread(preferences.user_id)
        return DigestDue(
            user_id=preferences.user_id,
            workspace_id=preferences.workspace_id,
            on=digest_day(preferences, query.now),
            title=digest_title(unread),
            items=tuple(one.id for one in unread[:ITEMS_MAX]),
            more=max(0, len(unread) - ITEMS_MAX),
        )

    async def _unread(self, user: UserId) -> Sequence[Notification]:
        """Without earlier digests."""
        where = All((Compare("recipient_id", "=", user), Compare("state", "=", "unread")))
        select = Select(table=NOTIFICATIONS, where=where, order=NEWEST_FIRST, limit=DIGESTED_MAX)
        found = [notification_in(row) for row in (await self._rows.select(select)).rows]
        return [one for one in found if one.kind != "digest"]


def _worded(digest: Notification, known: Mapping[NotificationId, Notification]) -> Notification:
    items = [digest_item(known[one]) for one in digest.items if one in known]
    return replace(digest, body=digest_body(items, digest.more))

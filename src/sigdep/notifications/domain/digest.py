"""The digest of a day: what waits in somebody's inbox, in a few lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.queries.digest import DigestItem

ITEMS_MAX: Final = 20
"""Notifications of which one digest tells. Of more it says how many."""

WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "task.assigned": ("task assigned to you", "tasks assigned to you"),
    "task.mentioned": ("mention", "mentions"),
    "task.commented": ("comment", "comments"),
    "task.due_soon": ("task that is due soon", "tasks that are due soon"),
    "event.invited": ("invitation", "invitations"),
    "event.changed": ("changed event", "changed events"),
    "event.cancelled": ("cancelled event", "cancelled events"),
    "reminder": ("reminder", "reminders"),
    "reminders.missed": ("list of missed reminders", "lists of missed reminders"),
    "webhook.disabled": ("webhook that was disabled", "webhooks that were disabled"),
    "digest": ("digest", "digests"),
}
"""One of each kind, and several."""


def digest_title(unread: Sequence[Notification]) -> str:
    """How much waits. Empty: nothing does."""
    counts = Counter(notification.kind for notification in unread)
    parts = [f"{count} {WORDS[kind][count > 1]}" for kind, count in counts.most_common()]
    return f"Unread: {', '.join(parts)}" if parts else ""


def digest_item(notification: Notification) -> DigestItem:
    """What a digest says of it."""
    words = f"{WORDS[notification.kind][0].capitalize()}: {notification.title}"
    return DigestItem(words=words, link=notification.link)


def digest_body(items: Sequence[DigestItem], more: int, url: str = "") -> str:
    """What waits, in text.

    Args:
        more: so many more there were.
        url: what links begin with. Empty: they are paths.
    """
    parts = [item.words if item.link is None else f"{item.words}\n{url}{item.link}" for item in items]
    return "\n\n".join([*parts, f"And {more:,} more."] if more else parts)

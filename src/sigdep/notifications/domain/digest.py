"""The digest of a day: what waits in somebody's inbox, in a few lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sigdep.notifications.domain.notification import Notification
from sigdep.notifications.events.inbox import Kind

LINES_MAX: Final = 20

WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "task.assigned": ("task assigned to you", "tasks assigned to you"),
    "task.mentioned": ("mention", "mentions"),
    "task.commented": ("comment", "comments"),
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
    counts = Counter(notification.kind for notification in _told(unread))
    parts = [f"{count} {WORDS[kind][count > 1]}" for kind, count in counts.most_common()]
    return f"Unread: {', '.join(parts)}" if parts else ""


def digest_items(unread: Sequence[Notification]) -> tuple[str, ...]:
    """What waits, line by line.

    Args:
        unread: the newest first.
    """
    told = _told(unread)
    lines = [f"{WORDS[one.kind][0].capitalize()}: {one.title}" for one in told[:LINES_MAX]]
    return (*lines, f"And {len(told) - LINES_MAX} more.") if len(told) > LINES_MAX else tuple(lines)


def _told(unread: Sequence[Notification]) -> Sequence[Notification]:
    """Earlier digests do not count."""
    return [notification for notification in unread if notification.kind != "digest"]

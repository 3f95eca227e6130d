"""Tells people: what is posted in their inboxes and what goes out to them is recorded together, and stored at once."""

from sigdep.contracts.ids import UserId
from sigdep.notifications.domain.telling import News, Told, tell
from sigdep.notifications.writing.attempt import Attempt


async def tell_person(attempt: Attempt, news: News, recipient: UserId) -> Told | None:
    """Record that one person is told, in the attempt's workspace, beside whatever else the attempt records.

    None: they have been told of this key before, or it is what they did themselves; nothing is recorded.
    """
    if recipient == news.by:
        return None
    around = attempt.around
    preferences = await around.wishes_of(recipient)
    devices = (await around.devices.latest(around.devices.decider.stream(recipient))).state
    told = tell(news, recipient, preferences, devices, attempt.call.asked_at)
    identity = told.posted.notification_id
    # Nearly all are new. One that is not makes the append fail, and the next attempt knows it.
    if attempt.unit.begin(around.notifications, identity).version > 0:
        return None
    attempt.record(around.notifications, identity, [told.posted])
    for requested in told.deliveries():
        attempt.unit.begin(around.deliveries, requested.delivery_id)
        attempt.record(around.deliveries, requested.delivery_id, [requested])
    return told

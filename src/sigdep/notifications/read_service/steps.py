"""The way of a reminder and of its deliveries, step by step, as their events tell it."""

from collections.abc import Sequence
from typing import assert_never

from sigdep.kernel.store import RecordedEvent
from sigdep.notifications.events.deliveries import (
    DeliveryAttempted,
    DeliveryEvent,
    DeliveryFailed,
    DeliveryPostponed,
    DeliveryRequested,
    DeliverySucceeded,
    DeliverySuppressed,
)
from sigdep.notifications.events.reminders import (
    ReminderEvent,
    ReminderFired,
    ReminderRescheduled,
    ReminderScheduled,
    ReminderSnoozed,
    ReminderSuppressed,
)
from sigdep.notifications.queries.deliveries import DeliveryStep
from sigdep.notifications.queries.reminders import ReminderStep


def reminder_steps(events: Sequence[RecordedEvent]) -> Sequence[ReminderStep]:
    """Oldest first."""
    return [_reminder_step(one.event) for one in events if isinstance(one.event, ReminderEvent)]


def delivery_steps(events: Sequence[RecordedEvent]) -> Sequence[DeliveryStep]:
    """Oldest first."""
    return [_delivery_step(one.event) for one in events if isinstance(one.event, DeliveryEvent)]


def _reminder_step(event: ReminderEvent) -> ReminderStep:
    match event:
        case ReminderScheduled():
            return ReminderStep(what="scheduled", at=event.at, due_at=event.due_at, because=event.because)
        case ReminderRescheduled():
            return ReminderStep(what="rescheduled", at=event.at, due_at=event.due_at, because=event.because)
        case ReminderSnoozed():
            return ReminderStep(what="snoozed", at=event.at, due_at=event.until)
        case ReminderSuppressed():
            return ReminderStep(
                what="suppressed",
                at=event.at,
                because=event.because,
                why=event.why,
                notification_id=event.notification_id,
            )
        case ReminderFired():
            return ReminderStep(
                what="fired",
                at=event.at,
                late_seconds=event.late_seconds,
                confirmed=event.confirmed,
                notification_id=event.notification_id,
            )
    assert_never(event)


def _delivery_step(event: DeliveryEvent) -> DeliveryStep:
    match event:
        case DeliveryRequested():
            return DeliveryStep(what="requested", at=event.at, until=event.not_before)
        case DeliveryAttempted():
            return DeliveryStep(what="attempted", at=event.at, attempt=event.attempt, in_doubt=event.in_doubt)
        case DeliverySucceeded():
            return DeliveryStep(what="sent", at=event.at, attempt=event.attempt, reference=event.reference)
        case DeliveryPostponed():
            return DeliveryStep(what="postponed", at=event.at, attempt=event.attempt, why=event.why, until=event.until)
        case DeliveryFailed():
            return DeliveryStep(what="failed", at=event.at, attempt=event.attempt, why=event.why)
        case DeliverySuppressed():
            return DeliveryStep(what="suppressed", at=event.at, why=event.why)
    assert_never(event)

"""Puts together what runs for webhooks beside the services."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sigdep.kernel.channel import Channel
from sigdep.kernel.clock import Clock
from sigdep.notifications.webhooks.records import WebhookRecordsKeeper
from sigdep.notifications.webhooks.sender import WebhookFigures, WebhookSender
from sigdep.notifications.webhooks.telling import WebhookCatchUp, WebhookReactions, run_catch_up
from sigdep.notifications.write_service import NotificationsWrite
from sigdep.notifications.writing.hearing import Source
from sigdep.rpc.call import Service

Job = Callable[[], Awaitable[None]]
"""Runs for ever."""


@dataclass(frozen=True, kw_only=True)
class WebhookSide:
    """What tells webhooks and delivers to them, beside the writing side."""

    reactions: WebhookReactions
    """To what each of the sources publishes."""
    sender: WebhookSender
    jobs: Mapping[str, Job]
    """By name. Each in one process at a time; in several for a moment does no harm."""


def open_webhooks(
    write: NotificationsWrite,
    *,
    read: Service,
    sources: Mapping[str, Source],
    channel: Channel,
    clock: Clock,
    figures: WebhookFigures,
    kept_days: int,
) -> WebhookSide:
    """
    Args:
        read: the reading side of this context.
        sources: by context: what webhooks are told.
        clock: by which deliveries are due, the same for all who hear and send.
        kept_days: for how long after its end a delivery is listed.
    """
    work = write.webhook_work
    sender = WebhookSender(work, read, channel, clock, figures)
    catch_up = WebhookCatchUp(work, read, sources, clock)
    keeper = WebhookRecordsKeeper(write.webhook_records_work, read, clock, timedelta(days=kept_days))
    return WebhookSide(
        reactions=WebhookReactions(work, clock),
        sender=sender,
        jobs={
            "webhook deliveries": sender.run,
            "webhooks that catch up": partial(run_catch_up, catch_up, clock),
            "webhook records": keeper.run,
        },
    )

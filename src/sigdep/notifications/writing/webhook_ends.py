"""Webhooks that end by themselves: those whose keeper has left the workspace, and what is told of every one."""

from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.notifications.commands.oblivion import ForgetMember
from sigdep.notifications.domain.telling import News
from sigdep.notifications.domain.webhook import Webhook, host_of
from sigdep.notifications.domain.webhook_decisions import is_left_behind
from sigdep.notifications.events.inbox import Thing
from sigdep.notifications.events.webhooks import WebhookDisabled
from sigdep.notifications.writing.attempt import Attempt
from sigdep.notifications.writing.telling import tell_person

TITLE_LENGTH_MAX: Final = 200

LEFT: Final = "Whoever kept it is no member of the workspace any more."


async def disable_left_behind(attempt: Attempt, left: ForgetMember) -> None:
    """Record that the webhooks of somebody who has left are disabled. Whoever removed them is told."""
    around = attempt.around
    for webhook_id in (await attempt.unit.load(around.webhook_lists, left.workspace_id)).webhook_ids:
        webhook = await attempt.unit.load(around.webhooks, webhook_id)
        if is_left_behind(webhook, left.user_id, left.removed_at):
            disabled = WebhookDisabled(webhook_id=webhook_id, why=LEFT, at=attempt.call.asked_at)
            attempt.record(around.webhooks, webhook_id, [disabled])
            if left.removed_by is not None:
                await tell_of_disabled(attempt, webhook, LEFT, left.removed_by)


async def tell_of_disabled(attempt: Attempt, webhook: Webhook, why: str, recipient: UserId) -> None:
    """
    Record that somebody is told, unless they have left the workspace.

    Args:
        webhook: as it was before.
    """
    if not await attempt.around.members.are_members(webhook.workspace_id, (recipient,)):
        await tell_person(attempt, _news(attempt, webhook, why), recipient)


def _news(attempt: Attempt, webhook: Webhook, why: str) -> News:
    name = webhook.description or host_of(webhook)
    return News(
        workspace_id=webhook.workspace_id,
        kind="webhook.disabled",
        title=f"The webhook {name} is disabled"[:TITLE_LENGTH_MAX],
        key=f"webhook {webhook.id} disabled {webhook.version}",
        occurred_at=attempt.call.asked_at,
        body=f"{why} Nothing is lost: once you resume it, it goes on where it stopped.",
        thing=Thing(kind="webhook", id=webhook.id),
        link=f"/webhooks/{webhook.id}",
    )

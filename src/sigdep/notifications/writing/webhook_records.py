"""Takes what webhooks were told long ago off the list of their deliveries."""

from datetime import datetime

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.executor import Executor
from sigdep.notifications.domain.webhook_records import expire
from sigdep.notifications.writing.attempt import Attempt, Surroundings
from sigdep.notifications.writing.unasked import execute_unasked


class WebhookRecordsWork:
    """Safe to repeat, and for two processes to do at once."""

    def __init__(self, around: Surroundings, executor: Executor) -> None:
        self._around, self._executor = around, executor

    async def expire(self, workspace: WorkspaceId, until: datetime, at: datetime) -> None:
        """Record that the list does without what had ended by then."""
        records = self._around.webhook_records

        async def work(attempt: Attempt) -> None:
            known = await attempt.unit.load(records, workspace)
            attempt.record(records, workspace, expire(known, workspace, until, at))

        await execute_unasked(self._around, self._executor, workspace, at, work)

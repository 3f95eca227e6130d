"""The edge's clock and ids: below it nothing makes any, so that replaying a command gives the same events."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils import uuid7

from sigdep.kernel.ids import CommandId, uuid_of
from sigdep.rpc.call import Call
from sigdep.telemetry.current import current_work


def utc_now() -> datetime:
    """The present instant, UTC, in whole microseconds."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7). Those of one process ascend."""
    return uuid_of(uuid7().bytes)


def internal_call() -> Call:
    """What accompanies a question that one service asks another by itself, for what it is working on at present."""
    work = current_work()
    return Call(
        asked_at=utc_now(),
        command_id=CommandId(new_id()),
        request_id=work.request_id,
        traceparent=work.traceparent,
    )

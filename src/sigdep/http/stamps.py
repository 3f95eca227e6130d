"""The edge's clock and ids: below it nothing makes any, so that replaying a command gives the same events."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def utc_now() -> datetime:
    """The present instant, UTC, in whole microseconds."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7). Those of one process ascend."""
    return uuid7()

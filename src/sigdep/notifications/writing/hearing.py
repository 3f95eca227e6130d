"""What other contexts tell, as webhooks are to be told it."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from sigdep.contracts.cloud_event import CloudEvent, place_of
from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.ids import Positions

_PLACE: Final = "/contexts/"

_encode: Final = msgspec.json.Encoder().encode


class Source(NamedTuple):
    """A context whose public events webhooks are told."""

    log: PublicLog
    heads: Callable[[], Awaitable[Positions]]
    """How far its log goes, in each partition. Raises Unavailable while it cannot be asked."""


class Heard(Struct, frozen=True, kw_only=True):
    """One public event that whoever may see its workspace may hear."""

    name: str
    """For ever: its `source` and `id`."""
    context: str
    position: int
    """In that context's log, in the partition of its workspace."""
    type: str
    document: str
    """All of it, in JSON."""


def heard(event: CloudEvent) -> Heard | None:
    """None: it is of no workspace, or for one recipient alone."""
    if event.workspaceid is None or event.recipientid is not None:
        return None
    return Heard(
        name=f"{event.source}#{event.id}",
        context=event.source.removeprefix(_PLACE),
        position=place_of(event)[1],
        type=event.type,
        document=_encode(event).decode(),
    )

"""The time that a question is about: an instant, or a position of the log."""

from collections.abc import Sequence
from datetime import datetime

from sigdep.kernel.store import RecordedEvent
from sigdep.rpc.call import WorkspacePosition

Moment = datetime | WorkspacePosition
"""When: the state of then is the answer. An instant in the future means now."""


def until(events: Sequence[RecordedEvent], moment: Moment) -> Sequence[RecordedEvent]:
    """Those that had happened by then. Should the store's clock ever have gone back, the order of the log decides."""
    for place, recorded in enumerate(events):
        beyond = recorded.recorded_at > moment if isinstance(moment, datetime) else recorded.position > moment.position
        if beyond:
            return events[:place]
    return events

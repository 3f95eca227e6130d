"""Keeps what was erased erased, also when keys come back from a backup that is older than the erasure."""

from collections import defaultdict

from sigdep.kernel.ids import Partition, Position, StreamId, SubjectId
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.projection import last_positions
from sigdep.kernel.store import EventLog
from sigdep.users.domain.realm import RESERVED
from sigdep.users.events.people import UserErased
from sigdep.users.events.workspaces import InvitationForgotten, WorkspaceErased

_ERASED = frozenset((UserErased.__name__, WorkspaceErased.__name__))


async def destroy_keys_again(log: EventLog, keys: KeyRing) -> int:
    """Destroy every key whose destruction the log of users records. Returns how many there are. Safe to repeat."""
    subjects: defaultdict[StreamId, set[SubjectId]] = defaultdict(set)
    erased: set[StreamId] = set()
    forgotten: set[SubjectId] = set()
    done: dict[Partition, Position] = {}
    while batch := await log.read_all(done):
        for recorded in batch:
            subjects[recorded.stream].add(recorded.subject)
            if recorded.type in _ERASED:
                erased.add(recorded.stream)
            elif isinstance(recorded.event, InvitationForgotten):
                forgotten.add(SubjectId(recorded.event.invitation_id))
        done |= last_positions(batch)
    gone = forgotten.union(*(subjects[stream] for stream in erased)) - RESERVED
    for subject in gone:
        await keys.destroy(subject)
    return len(gone)

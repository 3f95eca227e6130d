"""Keeps what was erased erased, also when keys come back from a backup that is older than the erasure."""

from collections import defaultdict

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.ids import Partition, Position, StreamId, SubjectId
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.projection import last_positions
from sigdep.kernel.read_store import Select
from sigdep.kernel.store import EventLog
from sigdep.users.domain.realm import RESERVED
from sigdep.users.domain.workspace import workspace
from sigdep.users.events.people import UserErased
from sigdep.users.events.workspaces import InvitationForgotten, WorkspaceErased
from sigdep.users.read_models.erasures import ERASED
from sigdep.users.service.reading import Reads

_ERASED = frozenset((UserErased.__name__, WorkspaceErased.__name__))


async def destroy_keys_again(log: EventLog, keys: KeyRing) -> int:
    """Destroy every key whose destruction the log of users records. Returns how many there are. Safe to repeat.

    It reads the whole log: `destroy_returned_keys` is for who has a read model.
    """
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


async def destroy_returned_keys(reads: Reads, keys: KeyRing) -> int:
    """Destroy the keys that are there although the read model says that they are destroyed. Returns how many were.

    A look for each thousand of those who were ever erased, and nothing else where no key has come back. Safe to repeat.
    """
    destroyed = 0
    async for rows in reads.pages(Select(table=ERASED)):
        found = await keys.find([SubjectId(row["subject_id"]) for row in rows])  # type: ignore[arg-type]  # By its kind.
        for row in rows:
            subject = SubjectId(row["subject_id"])  # type: ignore[arg-type]  # By its column's kind.
            if subject not in found:
                continue
            if row["kind"] == "workspace":
                destroyed += await _destroy_invitations(reads.log, keys, WorkspaceId(subject))
            await keys.destroy(subject)  # A workspace's after those within: it is by this one that they are found.
            destroyed += 1
    return destroyed


async def _destroy_invitations(log: EventLog, keys: KeyRing, workspace_id: WorkspaceId) -> int:
    history = await log.read(workspace.stream(workspace_id))
    within = {recorded.subject for recorded in history.events} - RESERVED - {SubjectId(workspace_id)}
    returned = await keys.find(within)
    for subject in returned:
        await keys.destroy(subject)
    return len(returned)

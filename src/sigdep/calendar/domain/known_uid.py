"""What a calendar knows under one UID: the appointment for which somebody chose it, so that an import finds it, and
what another calendar last said of it, so that its next version can be compared."""

from typing import Any, Final

from msgspec.structs import replace

from sigdep.calendar.events.uids import EntryImported, UidChosen
from sigdep.contracts.ids import AppointmentId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State


class KnownUid(State):
    workspace_id: WorkspaceId | None = None
    appointment_id: AppointmentId | None = None
    """None: nobody has chosen it."""
    imported: EntryImported | None = None
    """None: it was never imported, or is another appointment's by now."""


def decide(happened: UidChosen | EntryImported, known: KnownUid) -> list[UidChosen | EntryImported]:
    """Whether the UID is free has been made sure of."""
    if isinstance(happened, UidChosen) and known.appointment_id == happened.appointment_id:
        return []
    return [happened]


def evolve(known: KnownUid, event: UidChosen | EntryImported) -> KnownUid:
    match event:
        case UidChosen():
            return KnownUid(workspace_id=event.workspace_id, appointment_id=event.appointment_id)
        case EntryImported():
            return replace(known, workspace_id=event.workspace_id, imported=event)


KNOWN_UID: Final = Decider[Any, KnownUid](
    category="uid", initial=KnownUid(), decide=decide, evolve=evolve, schema="uid-2"
)

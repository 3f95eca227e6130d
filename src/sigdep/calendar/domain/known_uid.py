"""Which appointment has a UID that somebody chose for it, so that an import finds it."""

from typing import Any, Final

from sigdep.calendar.events.uids import UidChosen
from sigdep.contracts.ids import AppointmentId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State


class KnownUid(State):
    workspace_id: WorkspaceId | None = None
    appointment_id: AppointmentId | None = None
    """None: nobody has chosen it."""


def decide(chosen: UidChosen, known: KnownUid) -> list[UidChosen]:
    """Whether the UID is free has been made sure of."""
    return [] if known.appointment_id == chosen.appointment_id else [chosen]


def evolve(known: KnownUid, event: UidChosen) -> KnownUid:
    match event:
        case UidChosen():
            return KnownUid(workspace_id=event.workspace_id, appointment_id=event.appointment_id)


KNOWN_UID: Final = Decider[Any, KnownUid](
    category="uid", initial=KnownUid(), decide=decide, evolve=evolve, schema="uid-1"
)

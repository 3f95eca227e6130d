"""The name of a label in a workspace: a small stream of its own, so that two labels can never have one name."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sigdep.contracts.ids import LabelId, UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import Command, State
from sigdep.tasks.domain.fields import folded_name
from sigdep.tasks.events.labels import LabelNameEvent, LabelNameFreed, LabelNameTaken


class NameTaken(Refused):
    """Another label has it."""

    def __init__(self) -> None:
        super().__init__("There is a label of this name already (upper and lower case are the same).")


class LabelName(State):
    """Which label has the name. None: it is free."""

    label_id: LabelId | None = None


class TakeLabelName(Command):
    label_id: LabelId
    by: UserId
    at: datetime


class FreeLabelName(Command):
    label_id: LabelId
    by: UserId
    at: datetime


def label_name_id(workspace_id: WorkspaceId, name: str) -> UUID:
    """Which stream keeps the name: made of both (RFC 9562 §5.5), so that it is found without looking for it."""
    return uuid5(workspace_id, folded_name(name))


def decide(command: TakeLabelName | FreeLabelName, name: LabelName) -> list[LabelNameEvent]:
    """
    Raises:
        NameTaken: another label has it.
    """
    mine = name.label_id == command.label_id
    match command:
        case TakeLabelName():
            if name.label_id is not None and not mine:
                raise NameTaken
            return [] if mine else [LabelNameTaken(label_id=command.label_id, by=command.by, at=command.at)]
        case FreeLabelName():
            return [LabelNameFreed(label_id=command.label_id, by=command.by, at=command.at)] if mine else []


def evolve(name: LabelName, event: LabelNameEvent) -> LabelName:
    match event:
        case LabelNameTaken():
            return LabelName(label_id=event.label_id)
        case LabelNameFreed():
            return LabelName()


LABEL_NAME: Final = Decider[Any, LabelName](
    category="label_name", initial=LabelName(), decide=decide, evolve=evolve, schema="label_name-1"
)

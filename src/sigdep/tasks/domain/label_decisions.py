"""What a label decides. That its name is free is made sure of with `label_name.py`."""

from typing import Any, Final

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.kernel.texts import line
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, LabelCommand, RestoreLabel, TrashLabel
from sigdep.tasks.domain import fields
from sigdep.tasks.domain.label import ABSENT, CATEGORY, SCHEMA, Label, evolve
from sigdep.tasks.events.labels import LabelCreated, LabelEdited, LabelEvent, LabelRestored, LabelTrashed


class LabelNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This label does not exist, or you are no member of its workspace.")


class LabelExists(Refused):
    """The id that a client chose is taken."""

    def __init__(self) -> None:
        super().__init__("There is something with this id already. Choose a new id for a new label.")


class LabelInTrash(Refused):
    def __init__(self) -> None:
        super().__init__("This label is in the trash. Restore it first.")


def decide(command: LabelCommand, label: Label) -> list[LabelEvent]:
    """
    Raises:
        LabelNotFound, LabelExists, LabelInTrash, Invalid.
    """
    if isinstance(command, CreateLabel):
        return _decide_create(command, label)
    if label.version == 0:
        raise LabelNotFound
    match command:
        case EditLabel():
            return _decide_edit(command, label)
        case TrashLabel():
            if label.trashed_at is not None:
                return []
            return [LabelTrashed(label_id=label.id, by=command.by, at=command.at)]
        case RestoreLabel():
            if label.trashed_at is None:
                return []
            return [LabelRestored(label_id=label.id, by=command.by, at=command.at)]


def label_name(name: str) -> str:
    """The name as it is kept.

    Raises:
        Invalid: it makes no sense.
    """
    return line(name, fields.LABEL_LENGTH_MAX, "/name", "A label")


def _decide_create(command: CreateLabel, label: Label) -> list[LabelEvent]:
    if label.version > 0:
        raise LabelExists
    assert command.label_id is not None
    assert command.workspace_id is not None
    return [
        LabelCreated(
            label_id=command.label_id,
            workspace_id=command.workspace_id,
            name=label_name(command.name),
            color=fields.color(command.color),
            by=command.by,
            at=command.at,
        )
    ]


def _decide_edit(command: EditLabel, label: Label) -> list[LabelEvent]:
    if label.trashed_at is not None:
        raise LabelInTrash
    edited: dict[str, Any] = {}
    if command.name is not UNSET and (name := label_name(command.name)) != label.name:
        edited["name"] = name
    if command.color is not UNSET and (color := fields.color(command.color)) != label.color:
        edited["color"] = color
    return [LabelEdited(label_id=label.id, by=command.by, at=command.at, **edited)] if edited else []


LABEL: Final = Decider[Any, Label](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)

"""Commands to labels, each with its claim to the name."""

from msgspec.structs import replace

from sigdep.contracts.ids import LabelId
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import UNSET
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, LabelCommand, RestoreLabel, TrashLabel
from sigdep.tasks.domain.label import Label
from sigdep.tasks.domain.label_decisions import LabelExists, LabelNotFound, decide, label_name
from sigdep.tasks.domain.label_name import FreeLabelName, TakeLabelName, label_name_id
from sigdep.tasks.domain.label_name import decide as decide_name
from sigdep.tasks.events.labels import LabelCreated
from sigdep.tasks.writing.attempt import Attempt


async def change_label(attempt: Attempt, command: LabelCommand) -> LabelId:
    """Decide and record one command of any kind. Returns the label that it was about.

    Raises:
        NameTaken: another label of the workspace has the name.
    """
    if isinstance(command, CreateLabel):
        return await _create(attempt, command)
    labels = attempt.around.labels
    label = await attempt.unit.load(labels, command.label_id)
    if label.version == 0 or label.workspace_id != attempt.workspace:
        raise LabelNotFound
    attempt.match(labels, label.id, label.version)
    events = decide(command, label)
    attempt.record(labels, label.id, events)
    if events:
        match command:
            case EditLabel():
                if command.name is not UNSET:
                    await _rename(attempt, command, label.name, label_name(command.name))
            case TrashLabel():
                await _free(attempt, command, label.name)
            case RestoreLabel():
                await _take(attempt, command, label.name)
    return label.id


async def _create(attempt: Attempt, command: CreateLabel) -> LabelId:
    labels = attempt.around.labels
    label_id = LabelId(attempt.make_id()) if command.label_id is None else command.label_id
    label = await attempt.unit.load(labels, label_id)
    attempt.match(labels, label_id, label.version)
    command = replace(command, label_id=label_id, workspace_id=attempt.workspace)
    if label.version > 0:
        await _expect_same(attempt, command, label)
        attempt.repeated = True
        return label_id
    attempt.record(labels, label_id, decide(command, label))
    await _take(attempt, command, label_name(command.name))
    return label_id


async def _expect_same(attempt: Attempt, command: CreateLabel, label: Label) -> None:
    """
    Raises:
        LabelExists: another request has used the id.
    """
    labels = attempt.around.labels
    history = await attempt.around.store.read(labels.decider.stream(label.id), until=Version(1))
    first = history.events[0].event if history.events else None
    if not isinstance(first, LabelCreated) or decide(replace(command, at=first.at), labels.decider.initial) != [first]:
        raise LabelExists


async def _rename(attempt: Attempt, command: EditLabel, old: str, new: str) -> None:
    if label_name_id(attempt.workspace, old) != label_name_id(attempt.workspace, new):
        await _take(attempt, command, new)
        await _free(attempt, command, old)


async def _take(attempt: Attempt, command: LabelCommand, name: str) -> None:
    label_id = _label_id(command)
    await _decide_name(attempt, TakeLabelName(label_id=label_id, by=command.by, at=command.at), name)


async def _free(attempt: Attempt, command: LabelCommand, name: str) -> None:
    label_id = _label_id(command)
    await _decide_name(attempt, FreeLabelName(label_id=label_id, by=command.by, at=command.at), name)


def _label_id(command: LabelCommand) -> LabelId:
    assert command.label_id is not None
    return command.label_id


async def _decide_name(attempt: Attempt, command: TakeLabelName | FreeLabelName, name: str) -> None:
    names = attempt.around.label_names
    identity = label_name_id(attempt.workspace, name)
    attempt.record(names, identity, decide_name(command, await attempt.unit.load(names, identity)))

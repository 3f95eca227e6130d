"""What this context knows of a workspace: whether it has been forgotten."""

from typing import Any, Final

from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.tasks.commands.oblivion import ForgetWorkspace
from sigdep.tasks.events.oblivion import WorkspaceForgotten


class Workspace(State):
    forgotten: bool = False


def decide(command: ForgetWorkspace, workspace: Workspace) -> list[WorkspaceForgotten]:
    return [] if workspace.forgotten else [WorkspaceForgotten(workspace_id=command.workspace_id, at=command.at)]


def evolve(workspace: Workspace, event: WorkspaceForgotten) -> Workspace:
    match event:
        case WorkspaceForgotten():
            return Workspace(forgotten=True)


WORKSPACE: Final = Decider[Any, Workspace](
    category="workspace", initial=Workspace(), decide=decide, evolve=evolve, schema="workspace-1"
)

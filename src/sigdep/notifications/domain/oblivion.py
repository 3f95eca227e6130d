"""What this context knows of workspaces and people that are gone: who has been forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.events.oblivion import MemberForgotten, PersonForgotten, WorkspaceEvent, WorkspaceForgotten


class Workspace(State):
    forgotten: bool = False
    left: Mapping[UserId, datetime] = {}
    """When those who are forgotten in it left last."""


def decide_workspace(command: ForgetWorkspace | ForgetMember, workspace: Workspace) -> list[WorkspaceEvent]:
    match command:
        case ForgetWorkspace():
            if workspace.forgotten:
                return []
            return [WorkspaceForgotten(workspace_id=command.workspace_id, at=command.at)]
        case ForgetMember():
            left = workspace.left.get(command.user_id)
            if left is not None and command.removed_at <= left:
                return []
            return [
                MemberForgotten(
                    workspace_id=command.workspace_id,
                    user_id=command.user_id,
                    removed_at=command.removed_at,
                    at=command.at,
                )
            ]


def evolve_workspace(workspace: Workspace, event: WorkspaceEvent) -> Workspace:
    match event:
        case WorkspaceForgotten():
            return replace(workspace, forgotten=True)
        case MemberForgotten():
            return replace(workspace, left={**workspace.left, event.user_id: event.removed_at})


class Person(State):
    forgotten: bool = False


def decide_person(command: ForgetPerson, person: Person) -> list[PersonForgotten]:
    return [] if person.forgotten else [PersonForgotten(user_id=command.user_id, at=command.at)]


def evolve_person(person: Person, event: PersonForgotten) -> Person:
    match event:
        case PersonForgotten():
            return Person(forgotten=True)


WORKSPACE: Final = Decider[Any, Workspace](
    category="workspace",
    initial=Workspace(),
    decide=decide_workspace,
    evolve=evolve_workspace,
    schema="workspace-1",
)
PERSON: Final = Decider[Any, Person](
    category="person", initial=Person(), decide=decide_person, evolve=evolve_person, schema="person-1"
)

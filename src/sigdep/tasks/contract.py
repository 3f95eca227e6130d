"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.contracts.agenda import AgendaPart, FindAgenda
from sigdep.contracts.reminding import DueTasks, FindDueTasks, FindReminders, ThingReminders
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.rpc.contract import ServiceContract
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, RestoreLabel, TrashLabel
from sigdep.tasks.commands.oblivion import ForgetWorkspace
from sigdep.tasks.commands.projects import (
    ArchiveProject,
    CreateProject,
    EditProject,
    MoveProject,
    RestoreProject,
    TrashProject,
    UnarchiveProject,
)
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    DeleteComment,
    EditComment,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.queries import (
    FindProjectRank,
    FindTaskRank,
    GetHistory,
    GetLabel,
    GetProject,
    GetTask,
    History,
    ListComments,
    ListLabels,
    ListProjects,
    ListSubtasks,
    ListTasks,
)

WRITE: Final = ServiceContract(
    name="tasks.write",
    messages=(
        CreateTask,
        EditTask,
        MoveTask,
        CompleteTask,
        ReopenTask,
        SnoozeTask,
        TrashTask,
        RestoreTask,
        CommentOnTask,
        EditComment,
        DeleteComment,
        ChangeTasks,
        CreateProject,
        EditProject,
        MoveProject,
        ArchiveProject,
        UnarchiveProject,
        TrashProject,
        RestoreProject,
        CreateLabel,
        EditLabel,
        TrashLabel,
        RestoreLabel,
        ForgetWorkspace,
        SkipTask,
        FindThing,
    ),
    values={FindThing: ThingThen},
)

READ: Final = ServiceContract(
    name="tasks.read",
    messages=(
        GetTask,
        ListTasks,
        ListSubtasks,
        ListComments,
        GetProject,
        ListProjects,
        GetLabel,
        ListLabels,
        GetHistory,
        FindTaskRank,
        FindProjectRank,
        FindReminders,
        FindDueTasks,
        FindAgenda,
    ),
    values={
        GetHistory: History,
        FindReminders: ThingReminders,
        FindDueTasks: DueTasks,
        FindAgenda: AgendaPart,
        FindTaskRank: str | None,
        FindProjectRank: str | None,
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)

"""What projects, labels, their names, comments and lists of subtasks decide."""

from datetime import timedelta
from typing import Any

import pytest

from sigdep.contracts.ids import TaskId
from sigdep.kernel.errors import Invalid
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
from sigdep.tasks.commands.tasks import DeleteComment, EditComment
from sigdep.tasks.domain.comment import CommentNotFound, NotYours, comments_of, decide_delete, decide_edit
from sigdep.tasks.domain.label_decisions import LABEL, LabelExists, LabelInTrash, LabelNotFound
from sigdep.tasks.domain.label_name import LABEL_NAME, FreeLabelName, NameTaken, TakeLabelName, label_name_id
from sigdep.tasks.domain.project_decisions import PROJECT, ProjectExists, ProjectNotFound, ProjectReadOnly
from sigdep.tasks.domain.subtasks import SUBTASKS, SUBTASKS_MAX, AddSubtask, RemoveSubtask, TooManySubtasks
from sigdep.tasks.domain.workspace import WORKSPACE
from sigdep.tasks.events.labels import (
    LabelCreated,
    LabelEdited,
    LabelNameFreed,
    LabelNameTaken,
    LabelRestored,
    LabelTrashed,
)
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.projects import (
    ProjectArchived,
    ProjectCreated,
    ProjectEdited,
    ProjectRestored,
    ProjectTrashed,
    ProjectUnarchived,
)
from sigdep.tasks.events.subtasks import SubtaskAdded, SubtaskRemoved
from sigdep.tasks.events.tasks import CommentDeleted, CommentEdited, TaskCommented
from sigdep.testing.given import Given
from tests.tasks.stories import (
    ADA,
    BOB,
    BREAD,
    CAKE,
    ERRAND,
    HOME,
    HOUSE,
    LATER,
    MILK,
    NOON,
    NOTE,
    REPLY,
    TEAM,
    URGENT,
    identity,
)

# ── projects ────────────────────────────────────────────────────────────────────────────────────────────

project = Given(PROJECT)
ON_HOUSE: dict[str, Any] = {"project_id": HOUSE, "by": ADA, "at": LATER}
built = ProjectCreated(project_id=HOUSE, workspace_id=HOME, name="House", rank="W", by=ADA, at=NOON, color="#1e90ff")
archived = ProjectArchived(**ON_HOUSE)
binned = ProjectTrashed(**ON_HOUSE)


def test_a_project_is_created_with_what_it_was_given() -> None:
    command = CreateProject(
        project_id=HOUSE, workspace_id=HOME, name=" House ", rank="W", by=ADA, at=NOON, color="#1E90FF"
    )
    past = project().when(command).then(built)
    assert (past.state.name, past.state.status, past.state.version) == ("House", "active", 1)
    past.when(command).refused(ProjectExists)


def test_an_edit_of_a_project_changes_what_it_names() -> None:
    past = project(built).when(EditProject(name="Home", **ON_HOUSE)).then(ProjectEdited(name="Home", **ON_HOUSE))
    assert (past.state.name, past.state.color) == ("Home", "#1e90ff")
    past.when(EditProject(name="Home", color="#1e90FF", **ON_HOUSE)).then()
    past.when(EditProject(color=None, **ON_HOUSE)).then(ProjectEdited(color=None, **ON_HOUSE))
    past.when(MoveProject(rank="X", **ON_HOUSE)).then(ProjectEdited(rank="X", **ON_HOUSE))


@pytest.mark.parametrize(
    "fields",
    [{"color": "#1e90ff\n"}, {"name": " "}, {"name": "x" * 201}, {"color": "red"}, {"icon": "x" * 51}, {"rank": "!"}],
)
def test_a_project_refuses_what_makes_no_sense(fields: dict[str, Any]) -> None:
    project(built).when(EditProject(**fields, **ON_HOUSE)).refused(Invalid)


def test_a_project_is_archived_and_back_once_each() -> None:
    past = project(built).when(ArchiveProject(**ON_HOUSE)).then(archived)
    assert (past.state.status, past.state.archived_by) == ("archived", ADA)
    past.when(ArchiveProject(**ON_HOUSE)).then()
    past.when(EditProject(name="x", **ON_HOUSE)).refused(ProjectReadOnly, "Unarchive it first")
    past = past.when(UnarchiveProject(**ON_HOUSE)).then(ProjectUnarchived(**ON_HOUSE))
    assert (past.state.status, past.state.archived_at) == ("active", None)
    past.when(UnarchiveProject(**ON_HOUSE)).then()


def test_a_project_comes_back_from_the_trash_as_it_went() -> None:
    past = project(built, archived).when(TrashProject(**ON_HOUSE)).then(binned)
    past.when(TrashProject(**ON_HOUSE)).then()
    past.when(UnarchiveProject(**ON_HOUSE)).refused(ProjectReadOnly, "Restore it first")
    past = past.when(RestoreProject(**ON_HOUSE)).then(ProjectRestored(**ON_HOUSE))
    assert (past.state.trashed_at, past.state.status) == (None, "archived")
    past.when(RestoreProject(**ON_HOUSE)).then()


@pytest.mark.parametrize("command", [EditProject, MoveProject, ArchiveProject, TrashProject, RestoreProject])
def test_a_project_that_does_not_exist_is_not_found(command: Any) -> None:
    project().when(command(**ON_HOUSE)).refused(ProjectNotFound)


# ── labels ──────────────────────────────────────────────────────────────────────────────────────────────

label = Given(LABEL)
ON_ERRAND: dict[str, Any] = {"label_id": ERRAND, "by": ADA, "at": LATER}
made = LabelCreated(label_id=ERRAND, workspace_id=HOME, name="errand", by=ADA, at=NOON)


def test_a_label_is_made_changed_binned_and_restored() -> None:
    command = CreateLabel(label_id=ERRAND, workspace_id=HOME, name="errand ", by=ADA, at=NOON)
    past = label().when(command).then(made)
    past.when(command).refused(LabelExists)
    past.when(EditLabel(name="errand", **ON_ERRAND)).then()
    past = past.when(EditLabel(color="#000000", **ON_ERRAND)).then(LabelEdited(color="#000000", **ON_ERRAND))
    assert (past.state.name, past.state.color) == ("errand", "#000000")
    past = past.when(TrashLabel(**ON_ERRAND)).then(LabelTrashed(**ON_ERRAND))
    past.when(TrashLabel(**ON_ERRAND)).then()
    past.when(EditLabel(name="x", **ON_ERRAND)).refused(LabelInTrash)
    past = past.when(RestoreLabel(**ON_ERRAND)).then(LabelRestored(**ON_ERRAND))
    past.when(RestoreLabel(**ON_ERRAND)).then()
    assert past.state.trashed_at is None


@pytest.mark.parametrize("command", [EditLabel, TrashLabel, RestoreLabel])
def test_a_label_that_does_not_exist_is_not_found(command: Any) -> None:
    label().when(command(**ON_ERRAND)).refused(LabelNotFound)


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb"])
def test_a_label_is_a_word_or_a_few(name: str) -> None:
    label(made).when(EditLabel(name=name, **ON_ERRAND)).refused(Invalid, "label")


def test_a_name_belongs_to_one_label_until_it_is_freed() -> None:
    name = Given(LABEL_NAME)
    mine: dict[str, Any] = {"label_id": ERRAND, "by": ADA, "at": NOON}
    theirs = mine | {"label_id": URGENT}
    past = name().when(TakeLabelName(**mine)).then(LabelNameTaken(**mine))
    past.when(TakeLabelName(**mine)).then()
    past.when(TakeLabelName(**theirs)).refused(NameTaken)
    past.when(FreeLabelName(**theirs)).then()
    past.when(FreeLabelName(**mine)).then(LabelNameFreed(**mine)).when(TakeLabelName(**theirs)).then(
        LabelNameTaken(**theirs)
    )


def test_names_that_look_alike_are_one_and_workspaces_do_not_share_them() -> None:
    assert label_name_id(HOME, "Café") == label_name_id(HOME, "CAFE\u0301")
    assert label_name_id(HOME, "work") != label_name_id(HOME, "works")
    assert label_name_id(HOME, "work") != label_name_id(TEAM, "work")


# ── comments ────────────────────────────────────────────────────────────────────────────────────────────

ON_NOTE: dict[str, Any] = {"task_id": MILK, "comment_id": NOTE}
noted = TaskCommented(text="Lactose?", by=ADA, at=NOON, **ON_NOTE)
replied = TaskCommented(task_id=MILK, comment_id=REPLY, text="None", by=BOB, at=LATER)


def test_comments_are_folded_out_of_their_tasks_stream() -> None:
    rewritten = CommentEdited(text="Gluten?", by=ADA, at=LATER, **ON_NOTE)
    comments = comments_of(HOME, [noted, None, replied, rewritten])
    assert [comment.text for comment in comments.values()] == ["Gluten?", "None"]
    assert (comments[NOTE].edited_at, comments[NOTE].version, comments[REPLY].version) == (LATER, 2, 1)
    gone = CommentDeleted(by=ADA, at=LATER, **ON_NOTE)
    assert list(comments_of(HOME, [noted, replied, rewritten, gone])) == [REPLY]


def test_only_who_wrote_a_comment_changes_it() -> None:
    comment = comments_of(HOME, [noted])[NOTE]
    command = EditComment(text="Gluten?", by=ADA, at=LATER, **ON_NOTE)
    assert decide_edit(command, comment) == [CommentEdited(text="Gluten?", by=ADA, at=LATER, **ON_NOTE)]
    assert decide_edit(EditComment(text="Lactose?", by=ADA, at=LATER, **ON_NOTE), comment) == []
    with pytest.raises(NotYours):
        decide_edit(EditComment(text="Gluten?", by=BOB, at=LATER, **ON_NOTE), comment)
    with pytest.raises(CommentNotFound):
        decide_edit(command, None)


def test_a_comment_is_deleted_by_who_wrote_it_or_a_moderator() -> None:
    comment = comments_of(HOME, [noted])[NOTE]
    mine, theirs = (DeleteComment(by=by, at=LATER, **ON_NOTE) for by in (ADA, BOB))
    assert decide_delete(mine, comment, may_moderate=False) == [CommentDeleted(by=ADA, at=LATER, **ON_NOTE)]
    assert decide_delete(theirs, comment, may_moderate=True) == [CommentDeleted(by=BOB, at=LATER, **ON_NOTE)]
    with pytest.raises(NotYours):
        decide_delete(theirs, comment, may_moderate=False)
    with pytest.raises(CommentNotFound):
        decide_delete(mine, None, may_moderate=True)


# ── subtasks, workspaces ────────────────────────────────────────────────────────────────────────────────


def test_a_list_of_subtasks_holds_each_once_and_not_too_many() -> None:
    subtasks = Given(SUBTASKS)
    who: dict[str, Any] = {"parent_id": CAKE, "by": ADA, "at": NOON}
    past = subtasks().when(AddSubtask(task_id=MILK, **who)).then(SubtaskAdded(task_id=MILK, **who))
    past.when(AddSubtask(task_id=MILK, **who)).then()
    past.when(RemoveSubtask(task_id=BREAD, **who)).then()
    empty = past.when(RemoveSubtask(task_id=MILK, **who)).then(SubtaskRemoved(task_id=MILK, **who))
    assert empty.state.task_ids == ()
    full = subtasks(*(SubtaskAdded(task_id=TaskId(identity(1_000 + n)), **who) for n in range(SUBTASKS_MAX)))
    full.when(AddSubtask(task_id=MILK, **who)).refused(TooManySubtasks, "500")


def test_a_workspace_is_forgotten_once() -> None:
    forget = ForgetWorkspace(workspace_id=HOME, at=NOON + timedelta(days=1))
    past = Given(WORKSPACE)().when(forget).then(WorkspaceForgotten(workspace_id=HOME, at=forget.at))
    past.when(forget).then()

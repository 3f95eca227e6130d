"""The projects, one row each."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.tasks.domain.project import Project
from sigdep.tasks.domain.project_decisions import PROJECT
from sigdep.tasks.read_models.task_rows import folded

PROJECTS: Final = document_table(
    "projects",
    PROJECT.schema,
    [
        Column("name_folded", "text"),
        Column("archived", "boolean"),
        Column("trashed", "boolean"),
        Column("hidden", "boolean"),
        Column("rank", "text"),
        Column("created_at", "instant"),
        Column("updated_at", "instant"),
    ],
    indexes=[
        Index(("workspace_id", "trashed", "archived", "rank")),
        Index(("workspace_id", "hidden")),
        Index(("workspace_id", "name_folded")),
    ],
)


def project_columns(project: Project) -> Row:
    archived, trashed = project.status == "archived", project.trashed_at is not None
    return {
        "name_folded": folded(project.name),
        "archived": archived,
        "trashed": trashed,
        "hidden": archived or trashed,  # Its tasks leave the lists that do not ask for them.
        "rank": project.rank,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }


def project_model() -> DocumentModel[Project]:
    return DocumentModel("projects", PROJECTS, PROJECT, project_columns)

"""The labels, one row each."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.tasks.domain.label import Label
from sigdep.tasks.domain.label_decisions import LABEL
from sigdep.tasks.read_models.task_rows import folded

LABELS: Final = document_table(
    "labels",
    LABEL.schema,
    [Column("name", "text"), Column("name_folded", "text"), Column("trashed", "boolean")],
    indexes=[Index(("workspace_id", "trashed", "name_folded"))],
)


def label_columns(label: Label) -> Row:
    return {"name": label.name, "name_folded": folded(label.name), "trashed": label.trashed_at is not None}


def label_model() -> DocumentModel[Label]:
    return DocumentModel("labels", LABELS, LABEL, label_columns)

"""The calendars, one row each."""

from typing import Final

from sigdep.calendar.domain.calendar import CALENDAR, Calendar
from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.kernel.words import fold

CALENDARS: Final = document_table(
    "calendars",
    CALENDAR.schema,
    [
        Column("name_folded", "text"),
        Column("archived", "boolean"),
        Column("trashed", "boolean"),
        Column("hidden", "boolean"),
    ],
    indexes=[Index(("workspace_id", "trashed", "name_folded")), Index(("workspace_id", "hidden"))],
)


def calendar_columns(calendar: Calendar) -> Row:
    archived, trashed = calendar.status == "archived", calendar.trashed_at is not None
    return {
        "name_folded": fold(calendar.name),
        "archived": archived,
        "trashed": trashed,
        "hidden": archived or trashed,  # What is in it leaves the lists that do not ask for it.
    }


def calendar_model() -> DocumentModel[Calendar]:
    return DocumentModel("calendars", CALENDARS, CALENDAR, calendar_columns)

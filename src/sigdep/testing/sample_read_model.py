"""A read model of the sample events, for the suites of whatever projects."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from sigdep.kernel.decider import Decider
from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.messages import Command, Event, State
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.testing.sample_events import NoteFiled, NoteRenamed, NoteWritten


class Note(State):
    """What was written into one note."""

    texts: tuple[str, ...] = ()
    name: str | None = None
    number: int = 0


def evolve(note: Note, event: Event) -> Note:
    match event:
        case NoteWritten(text=text):
            return replace(note, texts=(*note.texts, text))
        case NoteFiled(text=text, number=number):
            return replace(note, texts=(*note.texts, text), number=number)
        case NoteRenamed(name=name):
            return replace(note, name=name)
        case _:
            raise TypeError(f"No note knows {type(event).__name__}.")


def _decide(_command: Command, _note: Note) -> Sequence[Event]:
    return ()


NOTE: Final = Decider[Any, Note](category="note", initial=Note(), decide=_decide, evolve=evolve, schema="note-1")

NOTES: Final = document_table(
    "notes",
    NOTE.schema,
    [Column("last", "text"), Column("count", "integer")],
    indexes=[Index(("workspace_id", "last"))],
    search=["last"],
)


def columns(note: Note) -> Row:
    return {"last": note.texts[-1] if note.texts else None, "count": len(note.texts)}


def note_model(revision: int = 1, forget: Sequence[type[Event]] = ()) -> DocumentModel[Note]:
    return DocumentModel("notes", NOTES, NOTE, columns, revision=revision, forget=forget)

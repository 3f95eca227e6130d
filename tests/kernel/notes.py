"""A small aggregate, to try on it what carries out commands."""

from collections.abc import Sequence
from uuid import UUID

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId, SubjectId, WorkspaceId
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import AnswerKey, EventStore, Metadata
from sigdep.kernel.unit_of_work import Outcome, UnitOfWork
from sigdep.testing.sample_events import NoteFiled, NoteWritten, new_command


class Note(State):
    texts: tuple[str, ...] = ()
    number: int = 0
    closed: bool = False


def decide(said: str, note: Note) -> Sequence[Event]:
    """Says `said`; filed when it is new, refused when closed, nothing when it was said last."""
    if note.closed:
        raise Refused("This note is closed.")
    if note.texts[-1:] == (said,):
        return []
    return [NoteWritten(text=said)] if note.texts else [NoteFiled(text=said)]


def evolve(note: Note, event: NoteFiled | NoteWritten) -> Note:
    number = event.number if isinstance(event, NoteFiled) else note.number
    return Note(texts=(*note.texts, event.text)[-3:], number=number, closed=event.text == "close")


NOTES = Decider(category="note", initial=Note(), decide=decide, evolve=evolve, schema="note-1")


class Notes:
    """Commands on notes of one workspace, as one process carries them out."""

    def __init__(self, store: EventStore, workspace: WorkspaceId, *, alone: bool = True) -> None:
        self.store = store
        self.workspace = workspace
        self.repository: Repository[Note] = Repository(store, NOTES, alone=alone)
        self.executor = Executor(store, [self.repository])
        self.attempts = 0

    async def say(
        self,
        identity: UUID,
        said: str,
        *,
        guarding: UUID | None = None,
        key: AnswerKey | None = None,
        dry_run: bool = False,
        command: CommandId | None = None,
    ) -> Outcome:
        async def work(unit: UnitOfWork) -> None:
            self.attempts += 1
            if guarding is not None:
                await unit.load(self.repository, guarding, guard=True)
            note = await unit.load(self.repository, identity)
            unit.record(self.repository, identity, SubjectId(self.workspace), decide(said, note))
            unit.show(self.repository, identity)

        self.attempts = 0
        return await self.executor.execute(
            self.workspace,
            new_command() if command is None else command,
            work,
            metadata=Metadata(),
            answer_key=key,
            dry_run=dry_run,
        )

"""Events of no context, for the suites of whatever stores events; with the shorthand to append them."""

from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from sigdep.kernel.ids import NO_STREAM, CommandId, StreamId, SubjectId, Version, WorkspaceId, stream_id
from sigdep.kernel.messages import Event
from sigdep.kernel.store import AnswerKey, Append, Metadata, StreamWrite


class NoteWritten(Event):
    """Plain."""

    text: str


class NoteFiled(Event):
    """Numbered by the store."""

    numbered = True

    text: str
    number: int = 0


class Former:
    """How events looked in an earlier release."""

    class NoteRenamed(Event):
        title: str


class NoteRenamed(Event):
    """In its second shape: `title` became `name`."""

    schema_version = 2
    upcasters = {1: lambda content: {"name": content["title"]}}  # noqa: RUF012  A ClassVar by its base.

    name: str


SAMPLE_EVENTS: Final = (NoteWritten, NoteFiled, NoteRenamed)
FORMER_EVENTS: Final = (NoteWritten, NoteFiled, Former.NoteRenamed)


def new_workspace() -> WorkspaceId:
    return WorkspaceId(uuid7())


def workspace_in(partition: int) -> WorkspaceId:
    """A new workspace in the partition of that number."""
    while True:  # One in 64 is.
        workspace = new_workspace()
        if workspace.int & 63 == partition:
            return workspace


def new_stream() -> StreamId:
    return stream_id("note", uuid7())


def new_command() -> CommandId:
    return CommandId(uuid7())


def written(*texts: str) -> tuple[NoteWritten, ...]:
    return tuple(NoteWritten(text=text) for text in texts)


def write(subject: UUID, stream: StreamId, *events: Event, expected: int = NO_STREAM) -> StreamWrite:
    return StreamWrite(stream=stream, subject=SubjectId(subject), expected_version=Version(expected), events=events)


def appending(
    workspace: WorkspaceId,
    *writes: StreamWrite,
    unchanged: dict[StreamId, int] | None = None,
    command: CommandId | None = None,
    answer: AnswerKey | None = None,
    metadata: Metadata | None = None,
) -> Append:
    return Append(
        workspace=workspace,
        command_id=new_command() if command is None else command,
        writes=writes,
        unchanged={stream: Version(version) for stream, version in (unchanged or {}).items()},
        metadata=Metadata() if metadata is None else metadata,
        answer=answer,
    )


def writing(workspace: WorkspaceId, stream: StreamId, *texts: str, expected: int = NO_STREAM) -> Append:
    """The commonest append: notes for one stream, sealed by its workspace."""
    return appending(workspace, write(workspace, stream, *written(*texts), expected=expected))


def answering(caller: UUID, key: str = "k", *, answer: bytes = b"", fingerprint: bytes = b"f") -> AnswerKey:
    return AnswerKey(caller=caller, key=key, fingerprint=fingerprint, answer=answer)

"""The comments of tasks, one row each."""

from collections.abc import Sequence
from typing import Final, TypeGuard, get_args

import msgspec

from sigdep.contracts.ids import CommentId, TaskId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Index, Key, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.domain.comment import SCHEMA, Comment, CommentEvent, evolve

COMMENTS: Final = Table(
    name="comments",
    columns=(
        Column("task_id", "uuid"),
        Column("id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("created_at", "instant"),
        Column("version", "integer"),
        Column("document", "bytes"),
    ),
    key=("task_id", "id"),
    indexes=(Index(("workspace_id",)), Index(("task_id", "created_at"))),
    documents=SCHEMA,
)

_TYPES: Final = frozenset(get_args(CommentEvent))


def is_comment_event(event: Event | None) -> TypeGuard[CommentEvent]:
    return type(event) in _TYPES


class CommentModel:
    """One part of the context's read model."""

    tables = (COMMENTS,)

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Comment).decode

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        """Apply the events of one batch, among which nothing is forgotten."""
        ours = [(recorded, event) for recorded in batch if is_comment_event(event := recorded.event)]
        if not ours:
            return
        await rows.fetch(COMMENTS, [(event.task_id, event.comment_id) for _, event in ours])
        comments: dict[tuple[TaskId, CommentId], Comment | None] = {}
        for recorded, event in ours:
            key = (event.task_id, event.comment_id)
            before = comments[key] if key in comments else self._read(key, rows)
            comments[key] = evolve(before, recorded.workspace, event)
        for key, comment in comments.items():
            if comment is None:
                rows.delete(COMMENTS, key)
            else:
                self._put(comment, rows)

    def _read(self, key: Key, rows: Rows) -> Comment | None:
        row = rows.get(COMMENTS, key)
        if row is None:
            return None
        document = row["document"]
        assert isinstance(document, bytes)
        return self._decode(document)

    def _put(self, comment: Comment, rows: Rows) -> None:
        rows.put(
            COMMENTS,
            {
                "task_id": comment.task_id,
                "id": comment.id,
                "workspace_id": comment.workspace_id,
                "created_at": comment.created_at,
                "version": comment.version,
                "document": self._encode(comment),
            },
        )

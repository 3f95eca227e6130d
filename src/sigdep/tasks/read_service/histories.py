"""What has happened to one thing: each event with who, when, through what, and what it changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sigdep.kernel.json_values import differs
from sigdep.kernel.messages import State
from sigdep.kernel.store import RecordedEvent
from sigdep.reading.histories import field_changes, said_of
from sigdep.reading.things import Thing
from sigdep.tasks.domain import comment
from sigdep.tasks.domain.comment import Comment
from sigdep.tasks.queries import Change, HistoryEntry
from sigdep.tasks.read_models.comments import is_comment_event

_SAID_BY_THE_ENTRY: Final = frozenset(
    {"id", "workspace_id", "version", "created_at", "created_by", "updated_at", "comment_count", "completed_by"}
    | {"trashed_by", "archived_by", "repeated_at"}
)
"""Fields whose change the entry itself tells, or that change with every event."""


def history_of(thing: Thing, events: Sequence[RecordedEvent]) -> Iterator[HistoryEntry]:
    """One entry for each event, oldest first."""
    state: Any = thing.absent
    comments: dict[UUID, Comment | None] = {}
    for recorded in events:
        before, state = state, thing.after(state, recorded.event)
        changes = [*_changes(before, state, thing), *_comment_changes(recorded, comments)]
        yield HistoryEntry(**said_of(recorded), changes=changes)


def _changes(before: State, after: State, thing: Thing) -> Iterator[Change]:
    for field, was, now in field_changes(before, after, _SAID_BY_THE_ENTRY):
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _key_changes(field, was, now)
        else:
            yield Change(field=field, before=None if before is thing.absent else was, after=now)


def _key_changes(field: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(was.keys() | now.keys()):
        if differs(was.get(key), now.get(key)):
            yield Change(field=f"{field}.{key}", before=was.get(key), after=now.get(key))


def _comment_changes(recorded: RecordedEvent, comments: dict[UUID, Comment | None]) -> Iterator[Change]:
    event = recorded.event
    if not is_comment_event(event):
        return
    before = comments.get(event.comment_id)
    after = comments[event.comment_id] = comment.evolve(before, recorded.workspace, event)
    yield Change(
        field=f"comments.{event.comment_id}",
        before=None if before is None else before.text,
        after=None if after is None else after.text,
    )

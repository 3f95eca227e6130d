"""The read model that keeps one row for each aggregate: its state as a JSON document, and columns to ask by."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from sigdep.kernel.decider import Decider
from sigdep.kernel.ids import StreamId, WorkspaceId, category_of
from sigdep.kernel.messages import Event, State
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Compare, Index, Row, Table
from sigdep.kernel.store import RecordedEvent

S = TypeVar("S", bound=State)

REMEMBERED_STATES_MAX: Final = 4_000
"""Some 2 kB each."""

_FETCHED: Final = ("id", "workspace_id", "document")


def document_table(
    name: str, schema: str, columns: Sequence[Column], *, indexes: Sequence[Index] = (), search: Sequence[str] = ()
) -> Table:
    """A table for a DocumentModel: the columns that every one has, and its own.

    Args:
        schema: the decider's.
    """
    return Table(
        name=name,
        columns=(
            Column("id", "uuid"),
            Column("workspace_id", "uuid"),
            Column("version", "integer"),
            *columns,
            Column("document", "bytes"),
        ),
        key=("id",),
        indexes=(Index(("workspace_id",)), *indexes),
        search=tuple(search),
        documents=schema,
    )


class DocumentModel(Generic[S]):
    """Folds the streams of one category with the aggregate's own `evolve`.

    A row has `id` (the stream's), `workspace_id`, `version` (of the last event), what `columns` gives, and `document`:
    the state as JSON. `forget` names the event types whose arrival deletes all rows of their workspace.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        decider: Decider[Any, S],
        columns: Callable[[S], Row],
        *,
        revision: int = 1,
        forget: Sequence[type[Event]] = (),
    ) -> None:
        """
        Args:
            table: as `document_table` makes it.
            columns: the state's own columns; pure.
            revision: raise it when `columns`, or anything else that is not seen in the tables and in
                `decider.schema`, changes: the rows are then made anew.
        """
        self.name = name
        self.table = table
        self.tables: Sequence[Table] = (table,)
        self._decider = decider
        self._columns = columns
        self._forget = frozenset(event.__name__ for event in forget)
        self._decode = msgspec.json.Decoder(type(decider.initial)).decode
        self._encode = msgspec.json.Encoder().encode
        self._remembered: OrderedDict[UUID, tuple[bytes, S]] = OrderedDict()
        made_by = f"{decider.schema}|{revision}|{sorted(self._forget)}|{table}"
        self.fingerprint = sha256(made_by.encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        changed: dict[UUID, _Folding[S]] = {}
        concerned = self._concerned(batch)
        await rows.fetch(self.table, [(identity,) for identity in concerned.values()], _FETCHED)
        for recorded in batch:
            if recorded.event is None:
                continue
            if recorded.type in self._forget:
                self._put(rows, changed)
                changed.clear()
                self.forget()
                rows.delete_where(self.table, Compare("workspace_id", "=", recorded.workspace))
            if recorded.stream in concerned:
                self._fold(recorded, recorded.event, concerned[recorded.stream], rows, changed)
        self._put(rows, changed)

    def forget(self) -> None:
        """What has been erased is in no memory either."""
        self._remembered.clear()

    def _concerned(self, batch: Sequence[RecordedEvent]) -> Mapping[StreamId, UUID]:
        """The streams of our category, with the ids that their names end in."""
        category, start = self._decider.category, len(self._decider.category) + 1
        streams = {recorded.stream for recorded in batch if recorded.event is not None}
        return {stream: UUID(stream[start:]) for stream in streams if category_of(stream) == category}

    def _fold(
        self,
        recorded: RecordedEvent,
        event: Event,
        identity: UUID,
        rows: Rows,
        changed: "dict[UUID, _Folding[S]]",
    ) -> None:
        folding = changed.get(identity)
        if folding is None:
            state = self._state_in(rows.get(self.table, (identity,)), identity)
            folding = changed[identity] = _Folding(state, recorded.workspace)
        folding.state = self._decider.evolve(folding.state, event)
        folding.version = recorded.version

    def _state_in(self, row: Row | None, identity: UUID) -> S:
        if row is None:
            return self._decider.initial
        document = row["document"]
        remembered = self._remembered.get(identity)
        # What is remembered is only ever a quicker way to read the same bytes: a batch that failed leaves no trace.
        if remembered is not None and remembered[0] == document:
            return remembered[1]
        assert isinstance(document, bytes)
        return self._decode(document)

    def _put(self, rows: Rows, changed: "Mapping[UUID, _Folding[S]]") -> None:
        for identity, folding in changed.items():
            document = self._encode(folding.state)
            row = dict(self._columns(folding.state))
            row["id"] = identity
            row["workspace_id"] = folding.workspace
            row["version"] = folding.version
            row["document"] = document
            rows.put(self.table, row)
            self._remember(identity, document, folding.state)

    def _remember(self, identity: UUID, document: bytes, state: S) -> None:
        self._remembered[identity] = (document, state)
        self._remembered.move_to_end(identity)
        if len(self._remembered) > REMEMBERED_STATES_MAX:
            self._remembered.popitem(last=False)

    def read(self, row: Row) -> S:
        """The state that a row was made of."""
        document = row["document"]
        assert isinstance(document, bytes)
        return self._decode(document)


class _Folding(Generic[S]):
    """One aggregate within a batch."""

    __slots__ = ("state", "version", "workspace")

    def __init__(self, state: S, workspace: WorkspaceId) -> None:
        self.state = state
        self.workspace = workspace
        self.version = 0

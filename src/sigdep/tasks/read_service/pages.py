"""Pages of ready-made documents, joined without being decoded."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.conditions import full_order
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import Row, Select, Value
from sigdep.rpc.call import Answer, Encoded, WorkspacePosition
from sigdep.tasks.read_service.cursors import decode_cursor, encode_cursor, question_digest


class Paging:
    """One question's cursors."""

    def __init__(self, query: Query, workspace: WorkspaceId) -> None:
        self._digest = question_digest(query, workspace)

    def after(self, select: Select, cursor: str | None) -> Select:
        """The question for the page that the cursor leads to.

        Raises:
            Invalid: the cursor is broken, or of another question.
        """
        if cursor is None:
            return select
        order = full_order(select.table, select.order)
        return replace(select, after=decode_cursor(cursor, self._digest, select.table, order))

    def cursor(self, place: Sequence[Value] | None) -> str | None:
        return None if place is None else encode_cursor(self._digest, place)


def listing(documents: Iterable[bytes], cursor: str | None, position: WorkspacePosition) -> Answer[Encoded]:
    """`{"items": […], "next_cursor": …}`"""
    following = b"null" if cursor is None else b'"' + cursor.encode() + b'"'
    body = b'{"items":[' + b",".join(documents) + b'],"next_cursor":' + following + b"}"
    return Answer(value=Encoded(body), position=position)


def document_of(row: Row) -> bytes:
    document = row["document"]
    assert isinstance(document, bytes)
    return document

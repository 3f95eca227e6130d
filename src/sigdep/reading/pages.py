"""Pages of ready-made documents, joined without being decoded."""

from collections.abc import Iterable

from sigdep.kernel.read_store import Row
from sigdep.rpc.call import Answer, Encoded, WorkspacePosition


def listing(documents: Iterable[bytes], cursor: str | None, position: WorkspacePosition) -> Answer[Encoded]:
    """`{"items": […], "next_cursor": …}`"""
    following = b"null" if cursor is None else b'"' + cursor.encode() + b'"'
    body = b'{"items":[' + b",".join(documents) + b'],"next_cursor":' + following + b"}"
    return Answer(value=Encoded(body), position=position)


def document_of(row: Row) -> bytes:
    document = row["document"]
    assert isinstance(document, bytes)
    return document

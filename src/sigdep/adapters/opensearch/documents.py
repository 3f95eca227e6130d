"""Entries as documents: what is indexed of them, what is only kept, and questions to them."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from sigdep.kernel.ids import Position, WorkspaceId
from sigdep.kernel.search_index import Entry, EntryKey
from sigdep.kernel.words import row_words

PREFIX_CHARACTERS_MAX: Final = 4
"""Beginnings of words up to this length are terms themselves: otherwise "a" would walk through all words with an a,
those of every workspace. Longer ones are few. Each costs about as much room as the words do."""

FORGOTTEN_KEPT: Final = "1h"
"""So long the server knows the version of a document that it has deleted."""

INDEX: Final[Mapping[str, Any]] = {
    # How many shards and replicas there are, an index template of the operator's may say.
    "settings": {
        "index": {
            "refresh_interval": "-1",  # We say when: a position that has been reached is one that can be found.
            "gc_deletes": FORGOTTEN_KEPT,
        }
    },
    "mappings": {
        "dynamic": "strict",
        "_routing": {"required": True},
        "_source": {"excludes": ["words"]},  # They follow from the texts.
        "properties": {
            "workspace": {"type": "keyword"},
            "id": {"type": "keyword"},
            "position": {"type": "long", "index": False, "doc_values": False},
            "texts": {"type": "object", "enabled": False},
            "words": {
                "type": "text",
                "analyzer": "keyword",  # We have made the words: each is one term, as it is.
                "norms": False,
                "index_options": "docs",
                "index_prefixes": {"min_chars": 1, "max_chars": PREFIX_CHARACTERS_MAX},
            },
        },
    },
}

_encode: Final = msgspec.json.Encoder().encode


def lines_of(entry: Entry) -> tuple[bytes, bytes]:
    """For a bulk request."""
    action = {**name_of(entry.key), "version": entry.position, "version_type": "external"}
    document = {
        "workspace": str(entry.workspace),
        "id": str(entry.id),
        "position": entry.position,
        "texts": entry.texts,
        "words": row_words(text for text in entry.texts if text is not None),
    }
    return _encode({"index": action}), _encode(document)


def entry_of(source: Mapping[str, Any]) -> Entry:
    return Entry(
        id=UUID(source["id"]),
        workspace=WorkspaceId(UUID(source["workspace"])),
        position=Position(source["position"]),
        texts=tuple(source["texts"]),
    )


def name_of(key: EntryKey) -> Mapping[str, str]:
    """How a document is asked for by its key."""
    workspace, identity = key
    return {"_id": f"{workspace}.{identity}", "routing": str(workspace)}


def of_workspace(workspace: WorkspaceId) -> Mapping[str, Any]:
    return {"term": {"workspace": str(workspace)}}


def question(workspace: WorkspaceId, words: Collection[str], limit: int) -> Mapping[str, Any]:
    """Ids alone, in the order in which they lie there, so that the server may stop at the limit."""
    return {
        "size": limit,
        "track_total_hits": False,
        "sort": ["_doc"],
        "stored_fields": "_none_",
        "docvalue_fields": ["id"],
        "query": {"bool": {"filter": [of_workspace(workspace), *({"prefix": {"words": word}} for word in words)]}},
    }


def walk(after: EntryKey | None, limit: int) -> Mapping[str, Any]:
    asked: dict[str, Any] = {"size": limit, "track_total_hits": False, "sort": ["workspace", "id"]}
    if after is not None:
        asked["search_after"] = [str(part) for part in after]
    return asked

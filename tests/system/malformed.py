"""Requests that make no sense, as many kinds of them as a careless or a hostile client can send."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.system.openapi import Operation

JSON = dict[str, Any]

BODY_BYTES_MAX: Final = 1_048_576
CURSOR_DIGEST_BYTES: Final = 8
VALUES: Final[Mapping[str, object]] = {
    "string": "\U0001f95b text that is no date, no id and none of the words",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "object": {"a": 1},
    "array": [[]],
    "null": None,
}
"""One of each type of JSON. The string fits no format and no choice."""

EXACT_FORMATS: Final = frozenset(("uuid", "date-time", "date", "duration"))

UNREADABLE: Final[Mapping[str, bytes]] = {
    "nothing but a brace": b"{",
    "a value is missing": b'{"title": }',
    "a comma too many": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "a comment": b'{"title": "x"} // why not',
    "two values": b'{"title": "x"}{"title": "y"}',
    "NaN": b'{"title": "x", "custom": {"a": NaN}}',
    "Infinity": b'{"title": "x", "custom": {"a": Infinity}}',
    "bare NaN": b"NaN",
    "hexadecimal": b'{"title": "x", "custom": {"a": 0x10}}',
    "leading zero": b'{"title": "x", "custom": {"a": 012}}',
    "a raw line feed in a string": b'{"title": "x\ny"}',
    "a raw NUL in a string": b'{"title": "x\x00y"}',
    "a raw NUL behind the end": b'{"title": "x"}\x00',
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "no UTF-8": b'{"title": "\xff\xfe"}',
    "an overlong slash": b'{"title": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "half a character": b'{"title": "\xe2\x82"}',
    "beyond Unicode": b'{"title": "\xf5\x80\x80\x80"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "UTF-32": '{"title": "x"}'.encode("utf-32"),
    "a lone high surrogate": b'{"title": "\\ud800"}',
    "a lone low surrogate": b'{"title": "\\udc00"}',
    "surrogates the wrong way round": b'{"title": "\\udc00\\ud800"}',
    "an unknown escape": b'{"title": "\\x41"}',
    "half an escape": b'{"title": "\\u12"}',
    "an unfinished string": b'{"title": "' + b"x" * 100_000,
    "a thousand objects deep": b'{"custom": ' + b'{"a":' * 1_000 + b"1" + b"}" * 1_000 + b"}",
    "a thousand arrays deep": b'{"custom": {"a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}}",
    "half a million arrays that never end": b"[" * 500_000,
    "half a million objects that never end": b'{"a":' * 200_000,
    "a form": b"title=x&description=y",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
}
"""No JSON, no UTF-8, or deeper than anything means."""

NONSENSE: Final[Mapping[str, JSON]] = {
    "NUL": {"title": "a\x00b"},
    "escape": {"title": "a\x1b[31mb"},
    "backspace": {"title": "a\x08"},
    "delete": {"title": "a\x7fb"},
    "C1": {"title": "a\x9bb"},
    "NUL in a key": {"title": "a", "custom": {"a\x00b": 1}},
    "NUL deep down": {"title": "a", "custom": {"a": [{"b": "c\x00"}]}},
    "no title": {"title": ""},
    "only spaces": {"title": "   "},
    "a novel": {"title": "x" * 100_000},
    "a library": {"title": "x", "description": "x" * 900_000},
    "a number beyond 64 bits": {"title": "x", "custom": {"a": 10**30}},
    "a number beyond all bounds": {"title": "x", "custom": {"a": 10**400}},
    "a thousand labels": {"title": "x", "labels": ["01930000-0000-7000-8000-000000000000"] * 1_000},
    "its own parent": {
        "id": "01930000-0000-7000-8000-00000000aaaa",
        "title": "x",
        "parent_id": "01930000-0000-7000-8000-00000000aaaa",
    },
    "blocked by itself": {
        "id": "01930000-0000-7000-8000-00000000aaaa",
        "title": "x",
        "blocked_by": ["01930000-0000-7000-8000-00000000aaaa"],
    },
    "a parent that is not there": {"title": "x", "parent_id": "01930000-0000-7000-8000-00000000aaaa"},
    "the year 0": {"title": "x", "due_at": "0000-01-01T00:00:00Z"},
    "the year 1": {"title": "x", "due_at": "0001-01-01T00:00:00+14:00"},
    "the year 9999": {"title": "x", "due_at": "9999-12-31T23:59:59-12:00"},
    "the year 12026": {"title": "x", "due_at": "12026-01-01T00:00:00Z"},
    "February 30": {"title": "x", "due_at": "2026-02-30T00:00:00Z"},
    "month 13": {"title": "x", "due_at": "2026-13-01T00:00:00Z"},
    "25 o'clock": {"title": "x", "due_at": "2026-11-22T25:00:00Z"},
    "an offset of 99 hours": {"title": "x", "due_at": "2026-11-22T09:00:00+99:00"},
    "no zone": {"title": "x", "due_at": "2026-11-22T09:00:00"},
    "a date for an instant": {"title": "x", "due_at": "2026-11-22"},
    "an instant for a date": {"title": "x", "due_on": "2026-11-22T09:00:00Z"},
    "a date beyond the calendar": {"title": "x", "due_on": "2026-02-29"},
    "a negative date": {"title": "x", "due_on": "-2026-01-01"},
    "tomorrow": {"title": "x", "due_on": "tomorrow"},
    "a nil id": {"id": "", "title": "x"},
    "a path for an id": {"id": "../../etc/passwd", "title": "x"},
    "an eternal estimate": {"title": "x", "estimate": "P999999999999Y"},
    "no duration": {"title": "x", "estimate": "soon"},
    "somebody else's name": {"title": "x", "created_by": "01930000-0000-7000-8000-00000000aaaa"},
    "a number of its own": {"title": "x", "number": 1},
    "a version of its own": {"title": "x", "version": 7},
    "a person that is not there": {"title": "x", "assignee_ids": ["01930000-0000-7000-8000-00000000aaaa"]},
}
"""JSON that a new task cannot be."""

QUERIES: Final = (
    "limit=0", "limit=201", "limit=-1", "limit=ten", "limit=1e3", "limit=99999999999999999999", "limit=",
    "limit=5&limit=6",
    "cursor=x", "cursor=", "cursor=AAAA", "cursor=%00", "cursor=" + "A" * 5_000, "cursor=eyJhIjoxfQ",
    "cursor=..%2F..%2Fetc",
    "sort=nothing", "sort=--due_at", "sort=", "sort=title;drop", "status=closed", "status=", "priority=highest",
    "parent_id=1", "assignee_id=me%00", "due_before=soon", "due_before=2026-02-30",
    "due_after=9999-99-99",
    "trashed=maybe", "trashed=1", "workspace_id=mine", "unknown=1", "q=%00", "q=%ff", "q=" + "x" * 9_000, "%ff=%fe",
    "filter=", "filter=due+%3C", "filter=(((", "filter=" + "(" * 3_000, "filter=" + "not+" * 2_000 + "blocked",
    "filter=nothing%3A1", "filter=due+%3C+32.13.2026", "filter=%22unfinished", "filter=due+%3C+tomorrow+and",
    "filter=" + "+or+".join(["status:open"] * 600), "at=yesterday-ish", "at=9999-99-99T00:00:00Z", "at=%00",
    "&".join(f"p{number}=1" for number in range(150)), "limit=5;status=open", "limit=%35%00",
)  # fmt: skip
"""Behind `GET /api/tasks?`."""


@dataclass(frozen=True)
class Malformed:
    what: str
    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset((400, 404, 409, 413, 422))
    pointer: str | None = None
    """That one of the faults must name."""


AS_JSON: Final = {"Content-Type": "application/json"}


def wrong_types(operation: Operation, things: Mapping[str, str]) -> Iterator[Malformed]:
    """Every field of a body with a value of every type of JSON that it does not take, and with a string that is none
    of the texts that it takes."""
    if operation.body is None:
        return
    valid = operation.example_body(things)
    for name, schema in operation.body.get("properties", {}).items():
        for kind, value in VALUES.items():
            if name == "email" and kind == "string":
                continue  # Whether it is an address is asked later: who signs in is not told what is wrong.
            if not takes(operation, schema, kind):
                yield _with_body(operation, things, f"{name} is {kind}", {**valid, name: value}, f"/{name}")


def takes(operation: Operation, schema: JSON, kind: str) -> bool:
    """Whether the schema allows our value of this type."""
    schema = operation.resolve(schema)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return any(takes(operation, part, kind) for part in schema[choice])
    if "enum" in schema or "const" in schema:
        return kind == "null" and None in schema.get("enum", [])
    allowed = schema.get("type", list(VALUES))
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if kind == "string":
        return "string" in allowed and _fits(schema)
    if kind == "array" and "array" in allowed:
        return takes(operation, schema.get("items", {}), "array")
    if kind == "object" and "object" in allowed:
        return "properties" not in schema
    return kind in allowed or (kind == "integer" and "number" in allowed)


def _fits(schema: JSON) -> bool:
    text = str(VALUES["string"])
    if schema.get("format") in EXACT_FORMATS:
        return False
    return len(text) <= schema.get("maxLength", len(text)) and bool(re.search(schema.get("pattern", ""), text))


def wrong_bodies(operation: Operation, things: Mapping[str, str], unreadable: Iterable[str]) -> Iterator[Malformed]:
    """What no write takes, whatever it does.

    Args:
        unreadable: which of UNREADABLE to send as well.
    """
    valid = operation.example_body(things)
    yield _with_body(operation, things, "an unknown field", {**valid, "titel": "x"}, "/titel")
    yield _with_body(operation, things, "a field called like a path", {**valid, "a/b~c": 1}, "/a~1b~0c")
    yield _with_body(operation, things, "a field of Python's", {**valid, "__class__": {}}, "/__class__")
    for value in ([], [valid], "text", 7, True, None):
        yield _with_body(operation, things, f"{json.dumps(value)[:20]} in place of an object", value, None)
    path = operation.at(things)
    for what in unreadable:
        yield Malformed(what, operation.method, path, UNREADABLE[what], AS_JSON)
    big = json.dumps({**valid, "description": "x" * 2 * BODY_BYTES_MAX}).encode()
    yield Malformed("two megabytes", operation.method, path, big, AS_JSON, frozenset((413,)))
    content = json.dumps(valid).encode() if valid else b'{"dry_run": false}'
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "x"):
        headers = {"Content-Type": media_type}
        yield Malformed(media_type, operation.method, path, content, headers, frozenset((415,)))
    headers = {**AS_JSON, "Content-Encoding": "gzip"}
    yield Malformed("said to be compressed", operation.method, path, content, headers, frozenset((415,)))


def _with_body(
    operation: Operation, things: Mapping[str, str], what: str, body: object, pointer: str | None
) -> Malformed:
    content = json.dumps(body).encode()
    return Malformed(what, operation.method, operation.at(things), content, AS_JSON, frozenset((422,)), pointer)


def wrong_headers(operation: Operation, things: Mapping[str, str]) -> Iterator[Malformed]:
    path, content = operation.at(things), json.dumps(operation.example_body(things)).encode()
    for name, value in (
        ("If-Match", "7"), ("If-Match", '"x"'), ("If-Match", 'W/"1"'), ("If-Match", '"1", "2"'), ("If-Match", ""),
        ("If-Match", '"99999999999999999999999"'), ("If-Match", '"-1"'),
        ("Idempotency-Key", ""), ("Idempotency-Key", "x" * 129), ("Idempotency-Key", "a b"),
        ("Idempotency-Key", "\x7f"), ("Idempotency-Key", "k\u00e4se"),
        ("Sigdep-Min-Position", "x"), ("Sigdep-Min-Position", ""), ("Sigdep-Min-Position", "9" * 600),
        ("Sigdep-Min-Position", "dy50YXNrcy45OS4x"), ("Sigdep-Min-Position", "dy50YXNrcy4xLjk5OTk5OTk5OTk5OTk5OTk5OTk"),
    ):  # fmt: skip
        headers = {**AS_JSON, name: value}
        yield Malformed(
            f"{name}: {value[:30]}", operation.method, path, content, headers, frozenset((400, 412, 422)), name
        )


def forged_cursors(path: str, genuine: str) -> Iterator[Malformed]:
    """Behind the digest of a cursor of this very question, which anybody can lend from it: what is no place in it.

    Args:
        path: with the parameters of the question.
        genuine: the `next_cursor` that it has answered.
    """
    stored = urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    digest, width = stored[:CURSOR_DIGEST_BYTES], len(json.loads(stored[CURSOR_DIGEST_BYTES:]))
    for what, place in {
        "thousands of arrays": b"[" * 3_000,
        "thousands of objects": b'[{"a":' * 500,
        "no JSON": b"\xff\x00",
        "no array": b"null",
        "an object": b'{"version": 1}',
        "nothing in it": b"[]",
        "nulls": json.dumps([None] * width).encode(),
        "arrays": json.dumps([[]] * width).encode(),
        "objects": json.dumps([{}] * width).encode(),
        "more than it has": json.dumps([None] * (width + 1)).encode(),
        "numbers beyond all bounds": json.dumps([10**30] * width).encode(),
        "numbers that are none": b"[" + b",".join([b"NaN"] * width) + b"]",
    }.items():
        forged = urlsafe_b64encode(digest + place).rstrip(b"=").decode()
        yield Malformed(
            f"a cursor with {what}",
            "GET",
            f"{path}{'&' if '?' in path else '?'}cursor={forged}",
            statuses=frozenset((422,)),
            pointer="cursor",
        )


def wrong_paths() -> Iterator[Malformed]:
    for path in (
        "/api/tasks/%ff", "/api/tasks/%", "/api/tasks/%zz", "/api/tasks/%00", "/api/tasks/%0d%0aSet-Cookie:a=b",
        "/api/tasks/..%2f..%2f..%2fetc%2fpasswd", "/api/tasks/%2e%2e/%2e%2e/etc/passwd", "/docs/..%2f..%2fsecrets",
        "/docs/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fpyproject.toml", "//api/tasks", "/api//tasks",
        "/api/tasks/", "/api/tasks/1", "/api/tasks/null", "/api/tasks/undefined", "/api/tasks/{task_id}",
        "/api/tasks/*",
        "/api/tasks/00000000-0000-0000-0000-000000000000", "/api/tasks/01930000-0000-7000-8000-00000000aaaa/nothing",
        "/api/tasks/" + "x" * 5_000, "/api/" + "a/" * 1_000, "/api", "/nothing", "/.env", "/.git/config",
        "/api/tasks/%c3%a4", "/api/tasks/%f0%9f%a5%9b", "/api/tasks%3Flimit=1", "/API/TASKS", "/api/tasks;v=1",
    ):  # fmt: skip
        yield Malformed(path[:60], "GET", path, statuses=frozenset((400, 401, 404, 414, 422, 431)))

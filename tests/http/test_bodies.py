"""What must not be refused, and how long the hostile may take."""

from contextlib import suppress
from time import process_time
from typing import Any

import msgspec
import pytest

from sigdep.http.bodies import DEPTH_MAX, BodyReader, read_body
from sigdep.http.exchange import Exchange
from sigdep.http.refusals import Malformed
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import SigdepError
from tests.http.demo import CreateNoteBody

JSON = {b"content-type": b"application/json"}


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"',
     b"application/merge-patch+json"],
)  # fmt: skip
def test_json_by_any_of_its_names_is_read(content_type: bytes) -> None:
    assert BodyReader(CreateNoteBody).read(b'{"title":"a"}', {b"content-type": content_type}).title == "a"


@pytest.mark.parametrize(
    "custom",
    [
        {"text": 'tab\t, new line\n, return\r, next line\x85, a \\u0000 that is spelt out, "quotes" and \\b'},
        {"emoji": "🐄", "ä": ["ß"], "right to left": "שלום"},
        {"numbers": [0, -(2**63), 2**63 - 1, 1.5, -1e300]},
        {"brackets in text": "[" * 100 + "{" * 100, "and": ['"[[[\\', "\\"] * 20},
        {"many": [[] for _ in range(1_000)]},
    ],
)
def test_ordinary_content_is_taken_as_it_is(custom: dict[str, Any]) -> None:
    for body in (msgspec.json.encode({"title": "a", "custom": custom}),):
        assert BodyReader(CreateNoteBody).read(body, JSON).custom == custom


def test_content_may_be_as_deep_as_the_limit() -> None:
    depth = DEPTH_MAX - 2
    body = b'{"title":"a","custom":{"a":' + b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2) + b"}}"
    assert BodyReader(CreateNoteBody).read(body, JSON).title == "a"


HOSTILE_SECONDS_MAX = 5.0
"""A tenth of it on a quiet machine; a body that costs more than its length takes minutes."""


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 40 + b'"' + b'\\"' * 500_000,
        b'{"title":"a","custom":{"a":[' + b"[]," * 340_000 + b"1]}}",
        b'{"title":"a","custom":{"a":[' + b'"\\u0000",' * 110_000 + b"1]}}",
        b'{"title":"a","lines":[' + b'{"text":1,"x":1},' * 60_000 + b"1]}",
        b"{" + b'"a":1,' * 170_000 + b'"title":1}',
        b'{"title":"' + b"\\" * 1_000_000,
        b"9" * 1_000_000,
        b"[{" * 20_000 + b"}]" * 20_000,
    ],
    ids=range(8),
)
def test_a_hostile_body_of_a_megabyte_costs_no_more_than_seconds(hostile: bytes) -> None:
    reader = BodyReader(CreateNoteBody)
    started = process_time()
    with suppress(SigdepError):
        reader.read(hostile, JSON)
    assert process_time() - started < HOSTILE_SECONDS_MAX


async def test_a_client_that_has_gone_before_its_body_has_not_sent_an_empty_one() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": [(b"content-length", b"5")]}
    with pytest.raises(Malformed, match="The connection ended before the body did"):
        await read_body(Exchange(scope, new_id()), receive)

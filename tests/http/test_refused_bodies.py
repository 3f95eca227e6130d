"""Every body that makes no sense is refused, by a sentence that names the place, and nothing reaches the handler."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sigdep.gateway.application import create_application
from sigdep.http.bodies import BODY_BYTES_MAX, DEPTH_MAX
from tests.http.demo import SETTINGS, Notes, People, client_of


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def client(notes: Notes) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application(notes.routes(), identities=People(), settings=SETTINGS)) as client:
        yield client
    assert notes.calls == [], "what is refused never reaches a handler"


async def post(client: httpx.AsyncClient, content: bytes | str, **headers: str) -> tuple[int, Any]:
    answer = await client.post("/api/notes", content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["instance"] == "/api/notes"
    assert problem["type"].startswith("/problems/")
    return answer.status_code, problem


def nested(depth: int) -> str:
    return '{"title":"a","custom":{"a":' + "[" * (depth - 2) + "]" * (depth - 2) + "}}"


@pytest.mark.parametrize(
    "body, pointers",
    [
        ("{}", ["/title"]),
        ("[]", [""]),
        ("null", [""]),
        ('"text"', [""]),
        ('{"title": ""}', ["/title"]),
        ('{"title": null}', ["/title"]),
        ('{"title": 7}', ["/title"]),
        ('{"title": "a", "titel": "b"}', ["/titel"]),
        ('{"title": "a", "a/b~c": 1}', ["/a~1b~0c"]),
        ('{"title": "a", "status": "gone"}', ["/status"]),
        ('{"title": "a", "dry_run": 1}', ["/dry_run"]),
        ('{"title": "a", "id": "no-uuid"}', ["/id"]),
        ('{"title": "a", "lines": {}}', ["/lines"]),
        ('{"title": "a", "lines": [{"text": "x"}, {"text": 1, "more": 2}, {}]}',
         ["/lines/1/more", "/lines/1/text", "/lines/2/text"]),
        ('{"title": "a", "lines": [{"text": "x", "amount": true}]}', ["/lines/0/amount"]),
        ('{"title": "a", "lines": [{"text": "x", "amount": 1.5}]}', ["/lines/0/amount"]),
        ('{"title": 1, "due_at": "tomorrow", "due_on": 3, "x": 0}', ["/x", "/title", "/due_at", "/due_on"]),
        ('{"title": "a", "due_at": "2026-11-22T09:30:00"}', ["/due_at"]),
        ('{"title": "a", "due_at": "2026-02-30T09:30:00Z"}', ["/due_at"]),
        ('{"title": "a", "due_at": "0001-01-01T00:00:00Z"}', ["/due_at"]),
        ('{"title": "a", "due_at": "9999-12-31T23:59:59-23:00", "due_on": "1899-12-31"}', ["/due_at", "/due_on"]),
        ('{"title": "a", "due_on": "2201-01-01"}', ["/due_on"]),
        ('{"title": "a", "lines": [{"text": "x", "amount": 9223372036854775808}]}', ["/lines/0/amount"]),
        ('{"title": "a", "custom": {"n": [-9223372036854775809]}}', ["/custom/n/0"]),
        ('{"title": "a", "custom": {"n": 1e999}}', [""]),
        (nested(DEPTH_MAX + 1), [""]),
        ("[" * 500_000, [""]),
        ('{"title": "a\\u0000b"}', ["/title"]),
        ('{"title": "a\\bb", "custom": {"x": ["\\u001b[31m", {"\\u0007": 1}]}}',
         ["/title", "/custom/x/0", "/custom/x/1"]),
        ('{"title": "a\x7fb"}', ["/title"]),
        ('{"title": "a\x9bb"}', ["/title"]),
        ('{"title": "a\\u009bb", "x": 1}', ["/title", "/x"]),
    ],
)  # fmt: skip
async def test_422_names_every_fault_by_its_place(client: httpx.AsyncClient, body: str, pointers: list[str]) -> None:
    status, problem = await post(client, body)
    assert status == 422, problem
    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert all(fault["detail"].endswith(".") for fault in problem["errors"])


async def test_a_thousand_faults_are_not_all_told(client: httpx.AsyncClient) -> None:
    status, problem = await post(client, json.dumps({"title": "a", "lines": [{}] * 1_000}))
    assert (status, len(problem["errors"])) == (422, 20)


async def test_a_refusal_does_not_send_back_a_megabyte(client: httpx.AsyncClient) -> None:
    _, problem = await post(client, json.dumps({"title": "a", "status": "x" * 900_000, "y" * 100_000: 1}))
    assert len(json.dumps(problem)) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "a"',
        b'{"title": "a"} {}',
        b"{'title': 'a'}",
        b'{"title": "a",}',
        b'{"title": NaN}',
        b'{"title": "line\nbreak"}',
        b'{"title": "\xff\xfe"}',
        b'{"title": 5, "x": "\xff"}',
        b'\xef\xbb\xbf{"title": "a"}',
        '{"title": "a"}'.encode("utf-16"),
        b'{"title": "\\ud800"}',
        b'{"title": "\\udc00\\ud800"}',
        b'{"title": "\\x41"}',
    ],
)
async def test_what_is_no_json_in_utf_8_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    status, problem = await post(client, body)
    assert (status, problem["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_another_media_type_or_a_compressed_body_is_415(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    status, _ = await post(client, '{"title": "a"}', **headers)
    assert status == 415


async def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(client: httpx.AsyncClient) -> None:
    body = b'{"title": "a", "custom": {"x": "' + b"x" * BODY_BYTES_MAX + b'"}}'

    async def in_parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    status, problem = await post(client, body)
    assert (status, problem["detail"]) == (413, "The body has more than 1,048,576 bytes; send less at once.")
    answer = await client.post("/api/notes", content=in_parts(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("value", ["", "ä", "two words", "x" * 129])
async def test_an_idempotency_key_that_is_none_is_named(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.post("/api/notes", json={"title": "a"}, headers={b"Idempotency-Key": value.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("value", ['"7', '"x"', 'W/"7"', '"7", "8"', '"' + "9" * 30 + '"'])
async def test_an_if_match_that_is_no_version_of_ours_is_named(client: httpx.AsyncClient, value: str) -> None:
    path = "/api/notes/0199a000-0000-7000-8000-00000000ffff"
    answer = await client.patch(path, json={}, headers={"If-Match": value})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "If-Match")


@pytest.mark.parametrize(
    "value", ["", "17", "%%%", "dy50YXNrcy4y", "dy50YXNrcy42NC4x", "dy50YXNr!cy4yLjE3", "w.notes.2.17", "x" * 9_000]
)
async def test_a_position_that_is_none_is_named(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get("/api/notes", headers={"Sigdep-Min-Position": value})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "Sigdep-Min-Position")


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "If-Match", "Content-Type"])
async def test_a_header_that_may_stand_once_and_stands_twice_is_400(client: httpx.AsyncClient, name: str) -> None:
    headers = [(name, '"1"'), (name, '"2"')]
    answer = await client.patch("/api/notes/0199a000-0000-7000-8000-00000000ffff", content="{}", headers=headers)
    assert (answer.status_code, name.lower() in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "query, names",
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=1.0", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("status=open,gone", ["status"]),
        ("trashed=1", ["trashed"]),
        ("trashed=TRUE", ["trashed"]),
        ("due_before=1700000000", ["due_before"]),
        ("due_before=2026-11-22", ["due_before"]),
        ("due_before=0001-01-01T00:00:00Z", ["due_before"]),
        ("colour=red&limit=x", ["colour", "limit"]),
        ("dry_run=true", ["dry_run"]),
        ("status=open%00", ["status"]),
        ("status=%ff", [""]),
        ("&".join(f"p{n}=1" for n in range(200)), [""]),
        ("q=" + "x" * 9_000, [""]),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(client: httpx.AsyncClient, query: str, names: list[str]) -> None:
    answer = await client.get(f"/api/notes?{query}")
    assert answer.status_code == 422, answer.text
    assert list(dict.fromkeys(fault["pointer"] for fault in answer.json()["errors"])) == names


async def test_a_dry_run_that_is_neither_true_nor_false_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/notes?dry_run=yes", json={"title": "a"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "dry_run")


@pytest.mark.parametrize("identity", ["7", "no-uuid", "0199a000", "%00", "..", "%F0%9F%90%84"])
async def test_a_path_that_cannot_name_anything_is_404(client: httpx.AsyncClient, identity: str) -> None:
    answer = await client.get(f"/api/notes/{identity}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")

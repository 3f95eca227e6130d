"""Bodies and answers that are no JSON."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import httpx
import pytest

from sigdep.gateway.application import create_application
from sigdep.http.files import COMPRESSED_OCTETS_MIN, File, FileBody
from sigdep.http.openapi import openapi_document
from sigdep.http.routes import Route
from sigdep.http.typed import TypedEndpoint
from sigdep.rpc.call import Answer, Call
from tests.http.demo import SETTINGS, People, client_of

SHEET = "/api/sheets/0199a000-0000-7000-8000-000000000001"
LONG = b"one,two\r\n" * COMPRESSED_OCTETS_MIN


class SheetBody(FileBody, frozen=True, kw_only=True):
    media_type: ClassVar[str] = "text/csv"


class Sheets:
    """Keeps one sheet, as it came."""

    def __init__(self) -> None:
        self.content = b"one,two\r\n"

    async def keep_sheet(self, call: Call, sheet_id: UUID, body: SheetBody) -> Answer[None]:
        self.content = body.content
        return Answer(value=None)

    async def get_sheet(self, call: Call, sheet_id: UUID) -> Answer[File]:
        modified_at = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
        return Answer(value=File(content=self.content, media_type="text/csv", name="ü.csv", modified_at=modified_at))

    def routes(self) -> list[Route]:
        shared: dict[str, Any] = {"summary": "A sheet.", "tag": "sheets", "scope": None, "media_type": "text/csv"}
        path = "/api/sheets/{sheet_id}"
        return [
            Route(method="POST", path=path, handle=self.keep_sheet, **shared),
            Route(method="GET", path=path, handle=self.get_sheet, **shared),
            Route(method="GET", path=f"{path}.csv", handle=self.get_sheet, **shared),
        ]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application(Sheets().routes(), identities=People(), settings=SETTINGS)) as client:
        yield client


async def keep(client: httpx.AsyncClient, content: bytes, media_type: str = "text/csv") -> httpx.Response:
    return await client.post(SHEET, content=content, headers={"content-type": media_type})


async def test_octets_come_back_as_they_came(client: httpx.AsyncClient) -> None:
    for content in (b"", b"\x00\xff\r\n", LONG):
        assert (await keep(client, content)).status_code == 204
        for path in (SHEET, f"{SHEET}.csv"):
            answer = await client.get(path)
            assert answer.content == content
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("given", ["text/csv", "TEXT/CSV", "text/csv;charset=UTF-8", 'text/csv; charset="utf-8"'])
async def test_the_kind_may_be_said_in_any_way(client: httpx.AsyncClient, given: str) -> None:
    assert (await keep(client, b"x", given)).status_code == 204


@pytest.mark.parametrize("given", ["", "text/plain", "application/json", "text/csv; charset=latin-1", "text/csvx"])
async def test_another_kind_is_refused(client: httpx.AsyncClient, given: str) -> None:
    assert (await keep(client, b"x", given)).status_code == 415


@pytest.mark.parametrize(
    "given, compressed",
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
    ],
)
async def test_it_is_compressed_for_who_says_so(client: httpx.AsyncClient, given: str, compressed: bool) -> None:
    await keep(client, LONG)
    answer = await client.get(SHEET, headers={"accept-encoding": given})
    assert ("content-encoding" in answer.headers) is compressed
    assert answer.content == LONG
    assert answer.headers["vary"] == "accept-encoding"


async def test_a_tag_is_of_the_content(client: httpx.AsyncClient) -> None:
    first = (await client.get(SHEET)).headers["etag"]
    for given in (first, f"W/{first}", f'"x", {first}', "*"):
        answer = await client.get(SHEET, headers={"if-none-match": given})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await client.get(SHEET, headers={"if-none-match": '"x"'})).status_code == 200
    await keep(client, b"other")
    assert (await client.get(SHEET, headers={"if-none-match": first})).status_code == 200
    assert (await client.get(SHEET)).headers["last-modified"] == "Sun, 22 Nov 2026 12:00:00 GMT"


def test_the_document_names_the_kind() -> None:
    endpoints = [TypedEndpoint(route, fingerprint_key=b"x" * 32) for route in Sheets().routes()]
    paths = openapi_document(endpoints, version="1")["paths"]
    place = paths["/api/sheets/{sheet_id}"]
    assert place["post"]["requestBody"] == {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
    assert list(place["get"]["responses"]["200"]["content"]) == ["text/csv"]
    assert "get" in paths["/api/sheets/{sheet_id}.csv"]

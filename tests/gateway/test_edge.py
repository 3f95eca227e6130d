"""Every request is answered in one manner: names, headers, problems, whatever happens inside."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from re import fullmatch
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.routing import Route as File

from sigdep.gateway import deadlines
from sigdep.gateway.application import create_application
from sigdep.http.problems import KINDS, kind_of, problem_reply
from sigdep.kernel import errors
from sigdep.kernel.errors import SigdepError, TooMany, Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import StreamId, Version
from sigdep.kernel.store import EventTooLarge
from sigdep.telemetry.trace import is_sampled
from tests.http.demo import SETTINGS, Notes, People, client_of

UNKNOWN = "/api/notes/0199a000-0000-7000-8000-00000000ffff"


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def client(notes: Notes) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application(notes.routes(), identities=People(), settings=SETTINGS)) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/", "/api/notes/", "/api//notes", "/api/notes/x/y/z", "/" + "x/" * 5_000]
)
async def test_a_path_that_nobody_knows_is_a_problem_too(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "/problems/not-found"
    assert len(answer.content) < 2_000


async def test_the_singular_works_wherever_the_plural_does(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/note", json={"title": "a"})
    assert made.status_code == 201
    assert made.headers["location"].startswith("/api/notes/")
    identity = made.json()["id"]
    assert (await client.get(f"/api/note/{identity}")).json() == made.json()
    assert (await client.post(f"/api/note/{identity}/complete")).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "PROPFIND"])
async def test_a_method_that_a_path_does_not_have_is_405_and_says_which_it_has(
    client: httpx.AsyncClient, method: str
) -> None:
    answer = await client.request(method, UNKNOWN)
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_options_says_what_is_possible(client: httpx.AsyncClient) -> None:
    answer = await client.options("/api/notes")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_no_answer_helps_a_browser_to_do_harm(client: httpx.AsyncClient) -> None:
    for path in ("/api/notes", "/nothing", UNKNOWN, "/health/live", "/docs", "/"):
        answer = await client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_every_answer_names_its_request(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/api/notes"), await client.get("/nothing")
    assert fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    given = {"X-Request-Id": "mine-1"}
    assert (await client.get("/nothing", headers=given)).headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a\tb", "{}", "\u00e4"])
async def test_a_name_for_the_request_that_does_not_belong_in_a_log_is_not_taken(
    client: httpx.AsyncClient, value: str
) -> None:
    answer = await client.get("/api/notes", headers={b"X-Request-Id": value.encode()})
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 36


@pytest.mark.parametrize(
    "given, taken",
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later", True),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", False),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", False),
        ("nonsense", False),
    ],
)
async def test_a_trace_is_taken_on_only_when_it_is_one(
    client: httpx.AsyncClient, notes: Notes, given: str, taken: bool
) -> None:
    assert (await client.get("/api/notes", headers={"traceparent": given})).status_code == 200
    passed_on = notes.call.traceparent
    assert passed_on is not None
    assert (passed_on == f"00{given[2:55]}") is taken
    assert is_sampled(passed_on) is taken


async def test_a_bug_shows_its_title_and_nothing_else_and_the_log_shows_all(
    client: httpx.AsyncClient, notes: Notes, capsys: pytest.CaptureFixture[str]
) -> None:
    notes.failure = KeyError("a secret of the code")
    answer = await client.get("/api/notes")
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "/problems/internal",
        "title": "Something went wrong on our side",
        "status": 500,
        "instance": "/api/notes",
    }
    printed = "".join(capsys.readouterr())
    assert "a secret of the code" in printed
    assert answer.headers["x-request-id"] in printed


@pytest.mark.parametrize(
    "error, status",
    [
        (errors.NotFound("x"), 404),
        (errors.Refused("x"), 409),
        (WrongExpectedVersion(StreamId("s"), Version(1), Version(2)), 409),
        (errors.Stale(StreamId("s"), Version(1), Version(2)), 412),
        (errors.KeyReused("x"), 422),
        (errors.StreamBusy("x"), 503),
        (EventTooLarge("x"), 413),
        (TooMany("x", 0.2), 429),
        (Unavailable("x", 7), 503),
        (SigdepError("x"), 500),
        (ZeroDivisionError("x"), 500),
    ],
)
def test_the_table_takes_the_nearest_ancestor(error: Exception, status: int) -> None:
    assert problem_reply(error, "/").status == kind_of(type(error)).status == status


def test_no_error_of_the_kernel_is_forgotten() -> None:
    def all_below(kind: type[SigdepError]) -> set[type[SigdepError]]:
        return {kind}.union(*(all_below(child) for child in kind.__subclasses__()))

    ours = [kind for kind in all_below(SigdepError) if kind.__module__ == "sigdep.kernel.errors"]
    assert len(ours) > 9
    assert [kind for kind in ours if kind_of(kind).status == 500] == [SigdepError]


def test_one_name_means_one_status() -> None:
    assert len({kind.name for kind in KINDS}) == len({(kind.name, kind.status, kind.title) for kind in KINDS})


async def test_every_type_of_a_problem_leads_to_its_meaning(client: httpx.AsyncClient) -> None:
    for kind in KINDS:
        answer = await client.get(kind.type)
        assert (answer.status_code, answer.json()["meaning"]) == (200, kind.meaning)
    assert (await client.get("/problems/of-mine")).status_code == 404


async def test_what_takes_too_long_is_given_up(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.02)
    settings = replace(SETTINGS, deadline_seconds=0.1)
    notes.pause_seconds = 5
    async with client_of(create_application(notes.routes(), identities=People(), settings=settings)) as client:
        slow, fast = await asyncio.gather(client.get("/api/notes"), client.get("/health/live"))
        assert (slow.status_code, slow.json()["type"], slow.headers["retry-after"]) == (
            503,
            "/problems/unavailable",
            "1",
        )
        assert fast.status_code == 200
        notes.pause_seconds = 0
        assert (await client.get("/api/notes")).status_code == 200


async def test_a_request_that_is_cancelled_from_outside_is_not_called_late(notes: Notes) -> None:
    notes.pause_seconds = 5
    async with client_of(create_application(notes.routes(), identities=People(), settings=SETTINGS)) as client:
        job = asyncio.create_task(client.get("/api/notes"))
        await asyncio.sleep(0.05)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job


@pytest.fixture
async def with_files(notes: Notes) -> AsyncIterator[httpx.AsyncClient]:
    async def file(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("text", headers={"Cache-Control": "max-age=9"})

    async def gone(_request: Any) -> PlainTextResponse:
        raise HTTPException(404)

    files = [File("/file.txt", file), Mount("/folder", routes=[File("/gone", gone)])]
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS, files=files)
    async with client_of(application, token=None) as client:
        yield client


async def test_files_are_served_beside_the_routes_with_the_same_headers(with_files: httpx.AsyncClient) -> None:
    answer = await with_files.get("/file.txt")
    assert (answer.text, answer.headers["x-content-type-options"]) == ("text", "nosniff")
    assert answer.headers.get_list("cache-control") == ["max-age=9"]
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize(
    "method, path, status", [("GET", "/folder/gone", 404), ("GET", "/file", 404), ("POST", "/file.txt", 405)]
)
async def test_what_goes_wrong_with_files_is_a_problem_too(
    with_files: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await with_files.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_pages_of_a_named_origin_may_call_and_no_others(notes: Notes) -> None:
    settings = replace(SETTINGS, allowed_origins=("https://app.example",))
    application = create_application(notes.routes(), identities=People(), settings=settings)
    async with client_of(application) as client:
        ours = await client.get("/api/notes", headers={"Origin": "https://app.example"})
        assert ours.headers["access-control-allow-origin"] == "https://app.example"
        assert "sigdep-position" in ours.headers["access-control-expose-headers"]
        theirs = await client.get("/api/notes", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in theirs.headers
        assert theirs.headers["vary"] == "origin"
        preflight = await client.options(
            "/api/notes", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
        )
        assert preflight.status_code == 204
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in preflight.headers


async def test_behind_https_browsers_are_told_to_stay_there(notes: Notes) -> None:
    settings = replace(SETTINGS, https=True)
    async with client_of(create_application(notes.routes(), identities=People(), settings=settings)) as client:
        for path in ("/api/notes", "/docs", "/nothing"):
            assert "strict-transport-security" in (await client.get(path)).headers

"""Who is asking, what their token allows, and a "no" that is asked again before it is given."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from sigdep.gateway.application import create_application
from sigdep.kernel.errors import Forbidden, Unavailable
from sigdep.rpc.call import Principal
from tests.http.demo import OTHER_WORKSPACE, SETTINGS, WORKSPACE, Notes, People, client_of


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
async def client(notes: Notes, people: People) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application(notes.routes(), identities=people, settings=SETTINGS)) as client:
        yield client


async def test_the_handler_hears_who_is_asking(client: httpx.AsyncClient, notes: Notes, people: People) -> None:
    await client.get("/api/notes")
    assert notes.call.principal == await people.principal("good")


@pytest.mark.parametrize(
    "authorization",
    ["Bearer stranger", "Bearer", "Bearer ", "Basic Z29vZA==", "good", "", "Bearer go od", "Bearer " + "x" * 5_000,
     "Bearer g\u00f6\u00f6d", "Bearer good\x7f"],
)  # fmt: skip
async def test_whoever_is_unknown_gets_401_and_how_to_sign_in(
    client: httpx.AsyncClient, notes: Notes, authorization: str
) -> None:
    answer = await client.get("/api/notes", headers={b"Authorization": authorization.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthenticated"
    assert answer.headers["www-authenticate"] == 'Bearer realm="sigdep"'
    assert notes.calls == []


async def test_nobody_gets_401_without_anybody_being_asked(client: httpx.AsyncClient, people: People) -> None:
    del client.headers["Authorization"]
    assert (await client.get("/api/notes")).status_code == 401
    assert people.asked == []


async def test_a_body_is_not_even_read_before_the_caller_is_known(client: httpx.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    answer = await client.post("/api/notes", content=body(), headers={"Authorization": "Bearer stranger"})
    assert answer.status_code == 401


async def test_the_scheme_is_bearer_in_any_case(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/notes", headers={"Authorization": "bearer good"})).status_code == 200


async def test_a_token_does_only_what_its_scopes_say(client: httpx.AsyncClient, notes: Notes) -> None:
    reader = {"Authorization": "Bearer reader"}
    assert (await client.get("/api/notes", headers=reader)).status_code == 200
    answer = await client.post("/api/notes", json={"title": "a"}, headers=reader)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="notes:write"')
    assert notes.notes == {}


async def test_what_is_open_to_everybody_is_open_to_a_token_that_has_expired(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    assert (await client.post("/api/sessions", headers={"Authorization": "Bearer expired"})).status_code == 204
    assert notes.call.principal is None


async def test_a_no_from_old_roles_is_asked_again_and_the_request_repeated(
    client: httpx.AsyncClient, notes: Notes, people: People
) -> None:
    people.cached = {}
    answer = await client.post("/api/notes", json={"title": "a"})
    assert answer.status_code == 201
    assert people.asked == [False, True]
    assert len(notes.notes) == 1
    assert len({call.command_id for call in notes.calls}) == 1


async def test_a_no_from_roles_that_still_hold_is_given_and_not_repeated(
    client: httpx.AsyncClient, notes: Notes, people: People
) -> None:
    people.cached = people.true = {WORKSPACE: "viewer"}
    answer = await client.post("/api/notes", json={"title": "a"})
    assert answer.status_code == 403
    assert people.asked == [False, True]
    assert len(notes.calls) == 1


async def test_a_second_no_is_final(client: httpx.AsyncClient, notes: Notes, people: People) -> None:
    people.true = {WORKSPACE: "owner", OTHER_WORKSPACE: "viewer"}
    notes.failure = Forbidden("No.")
    assert (await client.get("/api/notes")).status_code == 403
    assert people.asked == [False, True]
    assert len(notes.calls) == 2


async def test_a_yes_is_not_asked_again(client: httpx.AsyncClient, people: People) -> None:
    await client.get("/api/notes")
    assert people.asked == [False]


async def test_a_no_whose_token_has_been_revoked_meanwhile_is_401(
    client: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.cached = {}
    ask: Callable[..., Any] = people.principal

    async def principal(bearer: str, *, fresh: bool = False) -> Principal:
        people.revoked = fresh
        found: Principal = await ask(bearer, fresh=fresh)
        return found

    monkeypatch.setattr(people, "principal", principal)
    assert (await client.post("/api/notes", json={"title": "a"})).status_code == 401


async def test_while_nobody_can_say_who_is_asking_it_is_503_not_401(
    client: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def principal(bearer: str, *, fresh: bool = False) -> Principal:
        raise Unavailable("The users service is away.", retry_after_seconds=2.5)

    monkeypatch.setattr(people, "principal", principal)
    answer = await client.get("/api/notes")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")

"""What a handler is given, and what becomes of its answer."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from sigdep.gateway.application import create_application
from sigdep.http.positions import decode_position
from sigdep.http.routes import Route
from sigdep.http.signatures import UnfitHandler
from sigdep.http.typed import TypedEndpoint
from sigdep.rpc.call import Answer, Call
from tests.http.demo import SETTINGS, Notes, People, client_of


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def client(notes: Notes) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_application(notes.routes(), identities=People(), settings=SETTINGS)) as client:
        yield client


async def test_a_created_thing_is_shown_with_its_version_its_position_and_its_place(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    answer = await client.post("/api/notes", json={"title": "Milk", "due_on": "2026-11-23"})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/api/notes/{answer.json()['id']}"
    assert decode_position(answer.headers["sigdep-position"], "position") == notes.position
    assert answer.json()["title"] == "Milk"
    assert (await client.get(answer.headers["location"])).json() == answer.json()


async def test_a_patch_changes_what_it_names_clears_by_null_and_leaves_the_rest(client: httpx.AsyncClient) -> None:
    made = (await client.post("/api/notes", json={"title": "Milk", "due_at": "2026-11-22T09:30:00Z"})).json()
    path = f"/api/notes/{made['id']}"
    assert (await client.patch(path, json={"title": "Oat milk"})).json() == {**made, "title": "Oat milk", "version": 2}
    assert (await client.patch(path, json={"due_at": None})).json()["due_at"] is None


async def test_nothing_to_show_is_204_without_a_body(client: httpx.AsyncClient) -> None:
    made = (await client.post("/api/notes", json={"title": "Milk"})).json()
    answer = await client.delete(f"/api/notes/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "sigdep-position" in answer.headers


async def test_head_is_a_get_without_its_body(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/notes", json={"title": "Milk"})
    answer = await client.head(made.headers["location"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == '"1"'
    assert int(answer.headers["content-length"]) == len((await client.get(made.headers["location"])).content)


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"7", "1"', "*"])
async def test_what_the_client_has_is_not_sent_again(client: httpx.AsyncClient, tag: str) -> None:
    made = await client.post("/api/notes", json={"title": "Milk"})
    answer = await client.get(made.headers["location"], headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("tag", ['"2"', '"11"', "1", ""])
async def test_what_the_client_does_not_have_is_sent(client: httpx.AsyncClient, tag: str) -> None:
    made = await client.post("/api/notes", json={"title": "Milk"})
    assert (await client.get(made.headers["location"], headers={"If-None-Match": tag})).status_code == 200


async def test_a_stale_if_match_is_412_and_changes_nothing(client: httpx.AsyncClient, notes: Notes) -> None:
    made = await client.post("/api/notes", json={"title": "Milk"})
    path = made.headers["location"]
    assert (await client.patch(path, json={"title": "A"}, headers={"If-Match": '"1"'})).status_code == 200
    answer = await client.patch(path, json={"title": "B"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    assert answer.json()["type"] == "/problems/stale"
    assert notes.notes[UUID(made.json()["id"])].title == "A"
    assert (await client.patch(path, json={"title": "C"}, headers={"If-Match": "*"})).status_code == 200
    assert (await client.patch(path, json={"title": "D"}, headers={"If-Match": "3"})).status_code == 200


async def test_a_dry_run_may_be_asked_for_in_the_body_or_behind_the_question_mark(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    assert (await client.post("/api/notes", json={"title": "Milk", "dry_run": True})).status_code == 200
    assert (await client.post("/api/notes?dry_run=true", json={"title": "Milk"})).status_code == 200
    assert notes.notes == {}
    assert (await client.post("/api/notes?dry_run=false", json={"title": "Milk"})).status_code == 201


async def test_a_write_that_needs_nothing_takes_no_body_or_an_empty_object(client: httpx.AsyncClient) -> None:
    path = (await client.post("/api/notes", json={"title": "Milk"})).headers["location"]
    assert (await client.post(f"{path}/complete")).json()["status"] == "done"
    assert (await client.post(f"{path}/complete", json={})).json()["detail"] == "The note is done already."
    assert (await client.post(f"{path}/complete", json={"titel": 1})).json()["errors"][0]["pointer"] == "/titel"


async def test_parameters_are_typed_and_a_list_comes_by_comma_or_by_repetition(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    await client.get("/api/notes?status=open,done&limit=7&trashed=true&due_before=2026-11-22T09:30:00%2B01:00")
    await client.get("/api/notes?status=open&status=done")
    first, second = notes.queries
    assert first.status == second.status == ("open", "done")
    assert (first.limit, first.trashed) == (7, True)
    assert str(first.due_before) == "2026-11-22 09:30:00+01:00"


async def test_the_call_carries_what_the_headers_say(client: httpx.AsyncClient, notes: Notes) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    position = (await client.get("/api/notes")).headers["sigdep-position"]
    answer = await client.patch(
        "/api/notes/0199a000-0000-7000-8000-00000000ffff",
        json={},
        headers={"X-Request-Id": "abc-1", "traceparent": trace, "Idempotency-Key": "k-1", "If-Match": '"3"',
                 "Sigdep-Min-Position": position},
    )  # fmt: skip
    assert answer.headers["x-request-id"] == notes.call.request_id == "abc-1"
    assert notes.call.traceparent == trace
    assert notes.call.if_match == 3
    assert notes.call.min_position == notes.position
    assert notes.call.answer_key is not None
    assert (notes.call.answer_key.caller, notes.call.answer_key.key) == (notes.call.caller.user_id, "k-1")


async def test_an_idempotency_key_is_the_same_request_only_with_the_same_body_path_and_query(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    key = {"Idempotency-Key": "k"}
    for path, title in (("notes", "A"), ("note", "A"), ("notes", "B"), ("notes?dry_run=true", "A")):
        await client.post(f"/api/{path}", json={"title": title}, headers=key)
    first, by_singular, other_body, other_query = (call.answer_key for call in notes.calls)
    assert first == by_singular
    assert len({first and first.fingerprint, other_body and other_body.fingerprint}) == 2
    assert len({first and first.fingerprint, other_query and other_query.fingerprint}) == 2


async def test_strangers_never_meet_in_one_idempotency_key(notes: Notes) -> None:
    application = create_application(notes.routes(), identities=People(), settings=SETTINGS)
    async with client_of(application, token=None) as client:
        for path in ("/api/sessions", "/api/sessions", "/api/sessions?dry_run=true"):
            await client.post(path, headers={"Idempotency-Key": "k"})
    callers = [call.answer_key.caller for call in notes.calls if call.answer_key]
    assert callers[0] == callers[1] != callers[2]


def test_a_handler_that_does_not_fit_its_path_is_found_at_the_start() -> None:
    async def show(call: Call, task: UUID) -> Answer[None]:
        raise AssertionError

    route = Route(method="GET", path="/api/x/{task_id}", handle=show, summary="", tag="", scope=None)
    with pytest.raises(UnfitHandler, match=r"unknown: \['task'\], missing: \['task_id'\]"):
        TypedEndpoint(route, fingerprint_key=b"k")

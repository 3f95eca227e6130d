"""The routes of this context, through the real gateway."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sigdep.gateway.application import create_application, typed_endpoints
from sigdep.gateway.settings import GatewaySettings
from sigdep.http.openapi import openapi_document
from tests.users.world import ISSUER, PASSWORD, World

KEY = b"for tests: sixteen bytes or more"
ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody, as yet. The clock of the calls is the real one."""
    application = create_application(
        world.users.routes,
        identities=world.users.reading.identities,
        settings=GatewaySettings(fingerprint_key=KEY, limits=None, log_requests=False),
    )
    transport = httpx.ASGITransport(app=application, client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://sigdep.test") as client:
        yield client


@pytest.fixture(autouse=True)
def real_time(world: World) -> None:
    world.users.reading.identities._now = time.time


async def signed_in(client: httpx.AsyncClient, **person: str) -> dict[str, Any]:
    who = ADA | person
    (await client.post("/api/users", json=who)).raise_for_status()
    answer = await client.post("/api/sessions", json={"email": who["email"], "password": who["password"]})
    assert answer.status_code == 201
    tokens: dict[str, Any] = answer.json()
    return tokens


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def seeing(written: httpx.Response) -> dict[str, str]:
    """For a read that must see what was written."""
    return {"Sigdep-Min-Position": written.headers["sigdep-position"]}


async def test_from_registering_to_a_shared_workspace(client: httpx.AsyncClient) -> None:
    ada = bearer((await signed_in(client))["access_token"])
    bob = bearer((await signed_in(client, email="bob@example.com", name="Bob"))["access_token"])
    created = await client.post("/api/workspaces", json={"name": "Team"}, headers=ada)
    assert created.status_code == 201
    assert created.headers["etag"] == '"2"'
    place = created.headers["location"]
    assert (await client.get(place, headers=ada)).json() == created.json()
    assert (await client.get(place, headers=bob)).status_code == 404
    wish = {"email": "bob@example.com", "role": "viewer"}
    invitation = (await client.post(f"{place}/invitations", json=wish, headers=ada)).json()
    joined = await client.post(f"/api/invitations/{invitation['token']}/accept", headers=bob)
    assert (joined.status_code, joined.json()["role"]) == (200, "viewer")
    assert (await client.get(place, headers=bob)).json()["role"] == "viewer"
    assert (await client.patch(place, json={"name": "Mine"}, headers=bob)).status_code == 403
    members = (await client.get(f"{place}/members", headers=bob)).json()["items"]
    assert sorted(member["name"] for member in members) == ["Ada", "Bob"]
    (bobs_id,) = [member["user_id"] for member in members if member["name"] == "Bob"]
    left = await client.delete(f"{place}/members/{bobs_id}", headers=bob)
    assert left.status_code == 204
    assert (await client.get(place, headers=bob | seeing(left))).status_code == 404


async def test_who_may_do_what_is_said_by_status(client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    ada = bearer(tokens["access_token"])
    assert (await client.get("/api/users/me")).status_code == 401
    assert (await client.get("/api/users/me", headers=bearer("nonsense"))).status_code == 401
    assert (await client.post("/api/users", json=ADA)).status_code == 409
    wrong = await client.post("/api/sessions", json={"email": "ada@example.com", "password": "wrong password"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (401, "application/problem+json")
    assert (await client.get("/api/users/me", headers=ada)).json()["name"] == "Ada"
    wish = {"name": "x", "scopes": ["tasks:read"]}
    made = (await client.post("/api/tokens", json=wish, headers=ada)).json()
    narrow = await client.get("/api/users/me", headers=bearer(made["token"]))
    assert narrow.status_code == 403


async def test_a_body_that_is_wrong_is_told_where(client: httpx.AsyncClient) -> None:
    for change, pointer in (
        ({"email": "nonsense"}, "/email"),
        ({"password": "short"}, "/password"),
        ({"name": ""}, "/name"),
        ({"time_zone": "Mars"}, "/time_zone"),
        ({"role": "admin"}, "/role"),
        ({"id": "x"}, "/id"),
    ):
        answer = await client.post("/api/users", json=ADA | change)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def refresh(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await client.post("/oauth/token", data=form)


async def test_a_refresh_token_is_exchanged_as_oauth_has_it(client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    answer = await refresh(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"], client_id="web")
    assert answer.status_code == 200
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (await client.get("/api/users/me", headers=bearer(answer.json()["access_token"]))).status_code == 200
    as_json = await client.post(
        "/oauth/token", json={"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    )
    assert as_json.status_code == 200


@pytest.mark.parametrize(
    "form, error",
    [
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ["a", "b"]}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "a\x00b"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 600}, "invalid_request"),
        ({"refresh_token": "x"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "ada"}, "unsupported_grant_type"),
    ],
)
async def test_a_refusal_is_said_as_oauth_says_it(client: httpx.AsyncClient, form: Any, error: str) -> None:
    answer = await client.post("/oauth/token", data=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error_description"].isascii()
    assert '"' not in answer.json()["error_description"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a=%ff", b"&".join(b"a=%d" % n for n in range(200)), b"x" * 9000])
async def test_a_form_that_cannot_be_read_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/oauth/token", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_form_is_taken_where_oauth_asks_for_it_and_nowhere_else(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/sessions", data={"email": "a@b.c", "password": "x"})).status_code == 415
    assert (
        await client.post("/oauth/token", content=b"<xml/>", headers={"Content-Type": "text/xml"})
    ).status_code == 415


async def test_revoking_is_always_right(client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    for token in (tokens["refresh_token"], tokens["refresh_token"], "nonsense"):
        answer = await client.post("/oauth/revoke", data={"token": token, "token_type_hint": "refresh_token"})
        assert (answer.status_code, answer.json()) == (200, {})
    gone = await refresh(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert gone.json()["error"] == "invalid_grant"


async def test_the_published_keys_verify_an_access_token(client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    published = (await client.get("/.well-known/jwks.json")).json()
    kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
    key = jwt.PyJWKSet.from_dict(published)[kid]
    claims = jwt.decode(tokens["access_token"], key, audience=ISSUER, issuer=ISSUER)
    me = (await client.get("/api/users/me", headers=bearer(tokens["access_token"]))).json()
    assert claims["sub"] == me["id"]


async def test_answers_with_credentials_are_kept_by_nobody(client: httpx.AsyncClient) -> None:
    ada = bearer((await signed_in(client))["access_token"])
    wish = {"name": "x", "scopes": ["tasks:read"]}
    answers = [
        await client.post("/api/sessions", json={"email": ADA["email"], "password": PASSWORD}),
        await client.post("/api/tokens", json=wish, headers=ada),
    ]
    for answer in answers:
        assert answer.status_code == 201
        assert answer.headers.get_list("cache-control") == ["no-store"]


async def test_a_repeated_write_with_its_key_answers_the_same(client: httpx.AsyncClient) -> None:
    ada = bearer((await signed_in(client))["access_token"])
    key = {"Idempotency-Key": "once"}
    wish = {"name": "x", "scopes": ["tasks:read"]}
    first = await client.post("/api/tokens", json=wish, headers=ada | key)
    again = await client.post("/api/tokens", json=wish, headers=ada | key)
    assert first.json() == again.json()
    assert (await client.post("/api/tokens", json=wish | {"name": "y"}, headers=ada | key)).status_code == 422
    assert len((await client.get("/api/tokens", headers=ada | seeing(first))).json()["items"]) == 1


async def test_signing_out_by_route(client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    ada = bearer(tokens["access_token"])
    (listed,) = (await client.get("/api/sessions", headers=ada)).json()["items"]
    assert listed["current"] is True
    assert (await client.delete("/api/sessions/current", headers=ada)).status_code == 204
    gone = await refresh(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert gone.status_code == 400


async def test_erasing_and_keeping_by_route(client: httpx.AsyncClient) -> None:
    ada = bearer((await signed_in(client))["access_token"])
    assert (await client.delete("/api/users/me", headers=ada)).json()["erased_at"] is not None
    assert (await client.post("/api/users/me/keep", headers=ada)).json()["erased_at"] is None


async def test_an_edit_by_route_guards_by_version(client: httpx.AsyncClient) -> None:
    ada = bearer((await signed_in(client))["access_token"])
    edited = await client.patch("/api/users/me", json={"locale": "de"}, headers=ada | {"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    stale = await client.patch("/api/users/me", json={"locale": "fr"}, headers=ada | {"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await client.get("/api/users/me", headers=ada | seeing(edited))).json()["locale"] == "de"


def test_the_document_of_the_routes_is_valid(world: World) -> None:
    document = json.loads(msgspec.json.encode(openapi_document(typed_endpoints(world.users.routes, KEY), version="1")))
    OpenAPIV31SpecValidator(document).validate()
    bodies = document["paths"]["/oauth/token"]["post"]["requestBody"]["content"]
    assert set(bodies) == {"application/x-www-form-urlencoded", "application/json"}

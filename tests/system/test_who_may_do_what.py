"""Strangers learn nothing, viewers change nothing, and who was removed is out within a second: on every route."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from sigdep.testing.running_server import RunningServer
from sigdep.users.credentials.throttle import GUESSES
from tests.patience import patience
from tests.system.conftest import SignUp
from tests.system.feed import read_events, read_feed
from tests.system.openapi import Operation, operations, read_document
from tests.system.person import Person, new_id, problem

ABOUT_ONESELF = (
    "/api/users",
    "/api/sessions",
    "/api/tokens",
    "/api/invitations",
    "/oauth",
    "/api/workspaces",
    "/api/notifications",
    "/api/reminders",
    "/api/devices",
)
"""Writes below these, without the id of a thing of a workspace, concern the caller alone: everybody may."""

THEIR_OWN = ("/api/notifications",)
"""What a member has been told in a workspace is theirs, whatever their role."""

HEARD_SECONDS_MAX = 20.0
REMOVED_SECONDS_MAX = 1.0


@dataclass
class Team:
    """A workspace with one of everything, and three people: of whom one owns, one may look, and one knows nothing."""

    owner: Person
    viewer: Person
    stranger: Person
    workspace: str
    things: dict[str, str]
    """Ids by the names that placeholders and fields have."""


@pytest.fixture
async def team(ada: Person, bob: Person, sign_up: SignUp) -> Team:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    things = await one_of_everything(ada, bob, workspace)
    # A viewer may leave: what they may not is remove others.
    return Team(ada, bob, await sign_up("Eve"), workspace, {**things, "user_id": ada.id})


async def one_of_everything(owner: Person, member: Person, workspace: str) -> dict[str, str]:
    here = {"workspace_id": workspace}
    project = await owner.write("POST", "/api/projects", {"name": "House", **here})
    label = await owner.write("POST", "/api/labels", {"name": "errand", **here})
    task = await owner.write("POST", "/api/tasks", {"title": "Paint", "project_id": project["id"], **here})
    event = await owner.write("POST", "/api/events", {"title": "Party", "start": "2026-12-01T09:00", **here})
    comment = await owner.write("POST", f"/api/tasks/{task['id']}/comments", {"text": "Blue"})
    path = f"/api/workspaces/{workspace}/invitations"
    invitation = await owner.write("POST", path, {"email": f"{new_id()}@example.org", "role": "member"})
    webhook = await owner.write("POST", "/api/webhooks", {"url": "https://hooks.example.com/", **here})
    return {
        "webhook_id": webhook["id"],
        "delivery_id": new_id(),
        "from": owner.position,
        "workspace_id": workspace,
        "project_id": project["id"],
        "label_id": label["id"],
        "task_id": task["id"],
        "comment_id": comment["id"],
        "calendar_id": event["calendar_id"],
        "event_id": event["id"],
        "occurrence": event["start"],
        "invitation_id": invitation["id"],
        "user_id": member.id,
    }


@pytest.fixture
def described(server: RunningServer) -> list[Operation]:
    return list(operations(read_document(server.url)))


async def test_a_stranger_gets_404_from_every_route_that_names_a_thing(team: Team, described: list[Operation]) -> None:
    before = await read_events(team.owner, team.workspace)
    walked = 0
    for operation, answer in await _walk(team.stranger, team, described):
        assert answer.status_code == 404, f"{operation.method} {operation.path} → {answer.status_code}: {answer.text}"
        assert problem(answer, 404)["type"].endswith("/not-found")
        walked += 1
    assert walked >= 25, "The walk has missed most of the routes."
    assert await read_events(team.owner, team.workspace) == before


async def test_a_viewer_gets_403_from_every_route_that_changes_a_thing(team: Team, described: list[Operation]) -> None:
    before = await read_events(team.owner, team.workspace)
    walked = 0
    for operation, answer in await _walk(team.viewer, team, described):
        where = f"{operation.method} {operation.path}"
        if operation.writes and not operation.path.startswith(THEIR_OWN):
            assert answer.status_code == 403, f"{where} → {answer.status_code}: {answer.text}"
            walked += 1
        else:
            assert answer.status_code in (200, 204, 403), f"{where} → {answer.status_code}: {answer.text}"
    assert walked >= 15, "The walk has missed most of the routes."
    assert await read_events(team.owner, team.workspace) == before


async def test_nobody_gets_anywhere_without_signing_in(server: RunningServer, described: list[Operation]) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        for operation in described:
            if operation.open_to_all:
                continue
            path = operation.at(dict.fromkeys(operation.placeholders, new_id()))
            answer = await client.request(operation.method, path, json={} if operation.writes else None)
            assert problem(answer, 401)["type"].endswith("/unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def _walk(person: Person, team: Team, described: list[Operation]) -> list[tuple[Operation, httpx.Response]]:
    """Ask everything that names a thing of the team's workspace: in the path, else in body or query."""
    answers = []
    for operation, body, query in _requests(team, described):
        path = operation.at(team.things)
        answer = await person.client.request(operation.method, path, params=query, **operation.sent(body))
        answers.append((operation, answer))
    return answers


def _requests(team: Team, described: list[Operation]) -> Iterator[tuple[Operation, object, dict[str, str]]]:
    for operation in described:
        if operation.open_to_all:
            continue
        names = [name for name in operation.placeholders if name in team.things]
        unknown = [name for name in operation.placeholders if name not in team.things]
        if unknown and not operation.path.startswith(ABOUT_ONESELF):
            pytest.fail(f"{operation.path}: this test knows no thing for {unknown}; teach it.")
        if unknown or operation.path.startswith("/api/users/me"):
            continue
        body = operation.example_body(team.things)
        takes = {one["name"] for one in operation.parameters if one["in"] == "query"}
        properties = (operation.body or {}).get("properties", {})
        if names:
            yield operation, body or _something(operation, team), {}
        elif "workspace_id" in properties:
            yield operation, {**body, "workspace_id": team.workspace}, {}
        elif "workspace_id" in takes:
            yield operation, None, {"workspace_id": team.workspace}


def _something(operation: Operation, team: Team) -> object:
    """A body that changes something, where none is required."""
    properties = (operation.body or {}).get("properties", {})
    for name in ("title", "name", "text"):
        if name in properties:
            return {name: operation.example(properties[name], name, {})}
    return {}


async def test_a_thing_of_another_workspace_cannot_be_reached_through_a_field(team: Team) -> None:
    """The stranger's own task, with ids of the team's things in its fields."""
    eve, things = team.stranger, team.things
    mine = await eve.add_task("Mine")
    bodies = (
        {"project_id": things["project_id"]},
        {"parent_id": things["task_id"]},
        {"blocked_by": [things["task_id"]]},
        {"labels": [things["label_id"]]},
        {"assignee_ids": [team.owner.id]},
    )
    for fields in bodies:
        for answer in (
            await eve.client.post("/api/tasks", json={"title": "Sly", **fields}),
            await eve.client.patch(f"/api/tasks/{mine['id']}", json=fields),
            await eve.client.post(
                "/api/batch",
                json={"operations": [{"method": "update", "id": mine["id"], **fields}]},
            ),
        ):
            assert answer.status_code in (404, 409, 422), f"{fields} → {answer.status_code}: {answer.text}"
    assert (await eve.task(mine["id"]))["version"] == 1
    nowhere = new_id()
    for name, value in (("project_id", things["project_id"]), ("parent_id", things["task_id"]), ("q", "Paint")):
        answer = await eve.client.get("/api/tasks", params={name: value})
        other = await eve.client.get("/api/tasks", params={name: nowhere})
        # The same as for what does not exist at all.
        assert answer.status_code == other.status_code
        assert answer.text.replace(value, "") == other.text.replace(nowhere, "")
        assert answer.status_code in (404, 422) or answer.json()["items"] == []


async def test_a_removed_member_is_out_within_a_second_and_an_open_feed_ends_as_well(team: Team) -> None:
    bob, path = team.viewer, f"/api/tasks/{team.things['task_id']}"
    for _ in range(3):  # Whatever is cached is cached now.
        await bob.read(path)
    _, position = await read_feed(team.owner, workspace=team.workspace)
    heard: list[str] = []
    streaming = asyncio.create_task(_stream(bob, team.workspace, position, heard))
    await _until_heard(heard, "retry: ")
    await team.owner.edit_task(team.things["task_id"], title="Before")
    await _until_heard(heard, "Before")

    await team.owner.write("DELETE", f"/api/workspaces/{team.workspace}/members/{bob.id}")
    removed = time.perf_counter()
    while (await bob.client.get(path)).status_code != 404:
        assert time.perf_counter() - removed < patience(REMOVED_SECONDS_MAX)
        await asyncio.sleep(0.02)
    await asyncio.wait_for(streaming, max(0.01, removed + patience(REMOVED_SECONDS_MAX) - time.perf_counter()))
    feed = await bob.client.get("/api/feed", params={"workspace_id": team.workspace, "wait": 0})
    assert feed.status_code == 404


async def _stream(person: Person, workspace: str, position: str, heard: list[str]) -> None:
    """Adds what an event stream says until the server ends it."""
    parameters = {"workspace_id": workspace, "from": position}
    accept = {"Accept": "text/event-stream"}
    async with person.client.stream("GET", "/api/feed", params=parameters, headers=accept) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        with suppress(httpx.TransportError):
            async for text in answer.aiter_text():
                heard.append(text)  # noqa: PERF401  It is looked at meanwhile.


async def _until_heard(heard: list[str], text: str) -> None:
    """A gateway that begins to follow a log is told by the log itself, within a second, until its broker answers."""
    async with asyncio.timeout(HEARD_SECONDS_MAX):
        while text not in "".join(heard):
            await asyncio.sleep(0.02)


async def test_a_member_can_use_what_a_write_has_returned_in_the_very_next_request(ada: Person, bob: Person) -> None:
    """A new workspace, a new member, a new project: lag never shows as 404 or 403."""
    for number in range(10):
        workspace = await ada.open_workspace(f"Team {number}")
        project = await ada.write("POST", "/api/projects", {"name": "House", "workspace_id": workspace})
        await ada.invite(bob, workspace, "member")
        task = await bob.add_task("Paint", workspace_id=workspace, project_id=project["id"])
        answer = await ada.client.post(f"/api/tasks/{task['id']}/complete", json={})
        assert answer.status_code == 200, answer.text


async def test_a_token_for_the_feed_reads_the_feed_and_nothing_else(ada: Person) -> None:
    await ada.add_task("Told")
    made = await ada.write("POST", "/api/tokens", {"name": "Backup", "scopes": ["feed:read"]})
    bearer = {"Authorization": f"Bearer {made['token']}"}
    told = await ada.client.get("/api/feed", headers=bearer)
    assert told.status_code == 200
    assert [item["event"]["data"]["title"] for item in told.json()["items"]] == ["Told"]
    refused = await ada.client.get("/api/tasks", headers=bearer)
    assert "tasks:read" in problem(refused, 403)["detail"]


async def test_passwords_are_guarded_also_where_nothing_else_is_limited(ada: Person, bob: Person) -> None:
    """The server of these tests runs with --no-limits."""
    statuses = []
    for number in range(GUESSES + 1):
        guess = {"email": ada.email, "password": f"a guess that is wrong {number}"}
        statuses.append((await bob.client.post("/api/sessions", json=guess)).status_code)
    assert statuses == [401] * GUESSES + [429]
    await bob.sign_in()

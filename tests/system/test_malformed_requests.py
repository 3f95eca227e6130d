"""Whatever a client sends: a sentence that names the fault, soon, and nothing stored."""

import asyncio
import json
import random
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sigdep.testing.running_server import RunningServer
from tests.system import malformed
from tests.system.conftest import LONG
from tests.system.feed import read_events
from tests.system.malformed import AS_JSON, NONSENSE, QUERIES, UNREADABLE, Malformed
from tests.system.openapi import Operation, operations, read_document
from tests.system.person import Person, new_id, problem
from tests.system.reminder_sink import scheduled
from tests.system.test_notifications import inbox
from tests.system.test_who_may_do_what import one_of_everything

ANSWER_SECONDS_MAX = 2.0
IN_FLIGHT = 4
COMBINATIONS_MIN = 150
UNREADABLE_SAMPLE = 4
SHOWN_MAX = 15


@pytest.fixture
def described(server: RunningServer) -> list[Operation]:
    return list(operations(read_document(server.url)))


@pytest.fixture
async def things(ada: Person, bob: Person) -> dict[str, str]:
    """Ids of things of Ada's, so that a fault that gets through would really change something."""
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    found = await one_of_everything(ada, bob, workspace)
    token = await ada.write("POST", "/api/tokens", {"name": "Script", "scopes": ["tasks:read"]})
    sessions = await ada.items("/api/sessions")
    device = await ada.write("POST", "/api/devices", {"channel": "fcm", "token": "x"})
    await bob.add_task("Tell Ada", workspace_id=workspace, assignee_ids=[ada.id])
    (told,) = await inbox(ada, 1)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await ada.add_task("Remember", workspace_id=workspace, reminders=[{"at": tomorrow}])
    await scheduled(ada, 1)
    (reminder,) = await ada.items("/api/reminders")
    ids = {"token_id": token["id"], "session_id": sessions[0]["id"]}
    ids |= {"device_id": device["id"], "notification_id": told["id"], "reminder_id": reminder["id"]}
    return {**found, **ids, "token": "x" * 43}


def _writes(described: list[Operation]) -> list[Operation]:
    """Those that take an object."""
    return [
        operation
        for operation in described
        if operation.writes and operation.path.startswith("/api/") and operation.media_type == "application/json"
    ]


async def test_every_field_of_every_write_refuses_every_wrong_type_by_name(
    ada: Person, described: list[Operation], things: dict[str, str]
) -> None:
    cases = [case for operation in _writes(described) for case in malformed.wrong_types(operation, things)]
    assert len(cases) >= COMBINATIONS_MIN
    await _refused(ada, cases, things)


async def test_every_write_refuses_what_is_no_such_object(
    ada: Person, described: list[Operation], things: dict[str, str]
) -> None:
    chance = random.Random(7)
    cases: list[Malformed] = []
    for operation in _writes(described):
        # Everything on one route, and some of it on each of the others: one reader reads them all.
        count = len(UNREADABLE) if operation.path == "/api/tasks" or LONG else UNREADABLE_SAMPLE
        cases += malformed.wrong_bodies(operation, things, chance.sample(sorted(UNREADABLE), count))
    assert len(cases) >= COMBINATIONS_MIN
    await _refused(ada, cases, things)


async def test_what_no_task_can_be_is_refused(ada: Person, things: dict[str, str]) -> None:
    cases = [
        Malformed(what, "POST", "/api/tasks", json.dumps(body).encode(), AS_JSON) for what, body in NONSENSE.items()
    ]
    edits = [
        Malformed(what, "PATCH", f"/api/tasks/{things['task_id']}", json.dumps(rest).encode(), AS_JSON)
        for what, body in NONSENSE.items()
        if "title" not in what
        and (rest := {name: value for name, value in body.items() if name != "id" and (name, value) != ("title", "x")})
        and "itself" not in what
        and "own parent" not in what
    ]
    await _refused(ada, cases + edits, things)


async def test_what_is_wrong_within_a_write_is_named_by_its_place(ada: Person, things: dict[str, str]) -> None:
    preferences, event = "/api/notification-preferences", f"/api/events/{things['event_id']}"
    bodies: tuple[tuple[str, str, object, str], ...] = (
        ("PATCH", preferences, {"time_zone": "Mars/Olympus"}, "/time_zone"),
        ("PATCH", preferences, {"channels": {"task.forgotten": {"email": True}}}, "/channels/task.forgotten"),
        ("PATCH", preferences, {"channels": {"digest": {"pigeon": True}}}, "/channels/digest/pigeon"),
        ("PATCH", preferences, {"channels": {"digest": {"email": None}}}, "/channels/digest/email"),
        ("POST", f"{event}/answer", {"answer": "accepted", "occurrence": "soon"}, "/occurrence"),
    )
    cases = [
        Malformed(str(body), method, path, json.dumps(body).encode(), AS_JSON, frozenset((422,)), pointer)
        for method, path, body, pointer in bodies
    ]
    calendar = f"/api/calendars/{things['calendar_id']}/import"
    texts = (b"no calendar", b"\xff\xfe")  # Few: only some may import at one time.
    headers = {"Content-Type": "text/calendar"}
    cases += [Malformed(repr(text), "POST", calendar, text, headers, frozenset((422,))) for text in texts]
    await _refused(ada, cases, things)


@pytest.mark.parametrize(
    "operation, status, pointer",
    [
        ({"method": "complete", "id": "01930000-0000-7000-8000-00000000aaaa"}, 404, None),
        ({"method": "create", "title": "x", "parent_id": "01930000-0000-7000-8000-00000000aaaa"}, 422, "/operations/1"),
    ],
)
async def test_what_is_wrong_within_a_batch_is_named_by_its_operation(
    ada: Person, operation: dict[str, str], status: int, pointer: str | None
) -> None:
    operations = [{"method": "create", "title": "First"}, operation]
    refused = problem(await ada.client.post("/api/batch", json={"operations": operations}), status)
    assert refused["detail"].startswith("Operation 1: ")
    assert [fault["pointer"].startswith(str(pointer)) for fault in refused.get("errors", ())] == [True] * bool(pointer)
    assert await ada.items("/api/tasks") == []


async def test_headers_that_make_no_sense_are_refused_by_name(ada: Person, things: dict[str, str]) -> None:
    operation = Operation("PATCH", "/api/tasks/{task_id}", {"type": "object"}, (), False, {})
    cases = list(malformed.wrong_headers(operation, things))
    await _refused(ada, cases, things)


async def test_questions_that_make_no_sense_are_refused_by_name(ada: Person, things: dict[str, str]) -> None:
    cases = [Malformed(query[:60], "GET", f"/api/tasks?{query}", statuses=frozenset((422,))) for query in QUERIES]
    paths = ("/api/projects", "/api/labels", "/api/workspaces", f"/api/tasks/{things['task_id']}/comments",
             f"/api/tasks/{things['task_id']}/history")  # fmt: skip
    cases += [
        Malformed(f"{path}?{query}", "GET", f"{path}?{query}", statuses=frozenset((422,)))
        for path in paths
        for query in ("limit=0", "limit=x", "cursor=x", "unknown=1", "cursor=%ff", "limit=1&limit=2")
    ]
    cases += [
        Malformed(f"{path}?{query}", "GET", f"{path}?{query}", statuses=frozenset((422,)))
        for path in ("/api/tasks", "/api/agenda", "/api/events", f"/api/events/{things['event_id']}/occurrences/x")
        for query in ("time_zone=", "time_zone=localtime", "time_zone=Mars/Olympus", "time_zone=../etc/passwd")
    ]
    feed = f"/api/feed?workspace_id={ada.workspace}"
    cases += [
        Malformed(query[:60], "GET", f"{feed}&{query}", statuses=frozenset((422,)))
        for query in ("from=x", "from=%ff", "wait=-1", "wait=1e9", "wait=3600", "limit=0", "from=" + "A" * 2_000)
    ]
    await _refused(ada, cases, things)


async def test_paths_that_lead_nowhere_are_refused(ada: Person, things: dict[str, str]) -> None:
    await _refused(ada, list(malformed.wrong_paths()), things)


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(
    ada: Person, described: list[Operation], things: dict[str, str]
) -> None:
    methods: dict[str, set[str]] = {}
    for operation in described:
        methods.setdefault(operation.path, set()).add(operation.method)
    for path, known in methods.items():
        concrete = Operation("", path, None, (), False, {}).at({**dict.fromkeys(_names(path), new_id()), **things})
        for method in ("GET", "POST", "PATCH", "DELETE", "PUT", "TRACE", "BREW", "PROPFIND"):
            if method in known:
                continue
            answer = await ada.client.request(method, concrete, headers={"X-HTTP-Method-Override": "GET"})
            where = f"{method} {path} → {answer.status_code}: {answer.text[:200]}"
            assert answer.status_code == 405 or (answer.status_code == 400 and method == "BREW"), where
            if answer.status_code == 405:
                assert problem(answer, 405)["type"].endswith("/method-not-allowed")
                assert known <= set(answer.headers["Allow"].replace(" ", "").split(",")), where


def _names(path: str) -> list[str]:
    return Operation("", path, None, (), False, {}).placeholders


async def _refused(person: Person, cases: Sequence[Malformed], things: dict[str, str]) -> None:
    """Send all of them, a few at a time: each is a problem, none takes long, and nothing is stored."""
    workspaces = (person.workspace, things["workspace_id"])
    before = [await read_events(person, workspace) for workspace in workspaces]
    me = await person.read("/api/users/me")
    complaints = await complaints_about(person, cases)
    assert not complaints, f"{len(complaints)} of {len(cases)}:\n" + "\n".join(complaints[:SHOWN_MAX])
    assert [await read_events(person, workspace) for workspace in workspaces] == before
    assert await person.read("/api/users/me") == me


async def complaints_about(person: Person, cases: Sequence[Malformed]) -> list[str]:
    """Send all of them, a few at a time, and say which answers are none that a client can use."""
    waiting = iter(cases)
    heard = await asyncio.gather(*(_send(person, waiting) for _ in range(IN_FLIGHT)))
    return [one for some in heard for one in some]


async def _send(person: Person, cases: Iterable[Malformed]) -> list[str]:
    complaints = []
    for case in cases:
        started = time.perf_counter()
        headers = {name.encode(): value.encode("latin-1") for name, value in case.headers.items()}
        # The path goes out as it stands: httpx would mend it.
        request = person.client.build_request(
            case.method, "/", content=case.content, headers=headers, extensions={"target": case.path.encode()}
        )
        answer = await person.client.send(request)
        seconds = time.perf_counter() - started
        complaints += [
            f"{case.method} {case.path[:80]}, {case.what}: {text}" for text in _complaints(case, answer, seconds)
        ]
    return complaints


def _complaints(case: Malformed, answer: httpx.Response, seconds: float) -> list[str]:
    shown = f"{answer.status_code} {answer.text[:300]}"
    if answer.status_code not in case.statuses:
        return [f"{shown}, expected {sorted(case.statuses)}"]
    if seconds > ANSWER_SECONDS_MAX:
        return [f"took {seconds:.1f} s"]
    if answer.headers.get("content-type") != "application/problem+json":
        # What the parser of HTTP itself refuses never reaches us.
        return (
            []
            if answer.status_code in (400, 431) and "x-request-id" not in answer.headers
            else [f"no problem: {shown}"]
        )
    said = answer.json()
    pointers = [fault["pointer"] for fault in said.get("errors", [])]
    if not said.get("detail"):
        return [f"no sentence: {shown}"]
    if answer.status_code == 422 and not pointers:
        return [f"no place: {shown}"]
    if (
        case.pointer is not None
        and answer.status_code == 422
        and not any(pointer.startswith(case.pointer) for pointer in pointers)
    ):
        return [f"{case.pointer} is not named: {shown}"]
    return []

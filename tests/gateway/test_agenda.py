"""Several contexts in one agenda."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.gateway.agenda import agenda_routes
from sigdep.gateway.application import create_application
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call, Principal
from tests.http.demo import SETTINGS, USER, WORKSPACE, client_of

BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Diary:
    """A context that answers for some entries, and remembers what it was asked."""

    def __init__(self, entries: Sequence[AgendaEntry]) -> None:
        self.entries = sorted(entries, key=lambda one: one.place)
        self.asked: list[FindAgenda] = []
        self.away = False

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert isinstance(message, FindAgenda)
        if self.away:
            raise Unavailable("This part is away.")
        self.asked.append(message)
        behind = [one for one in self.entries if message.after is None or one.place > message.after]
        return Answer(value=AgendaPart(entries=tuple(behind[: message.limit]), more=len(behind) > message.limit))


class Somebody:
    """Every token is theirs."""

    def __init__(self, scopes: frozenset[str] | None) -> None:
        self.scopes = scopes

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        return Principal(
            user_id=USER,
            personal_workspace_id=WORKSPACE,
            roles={WORKSPACE: "viewer"},
            time_zone="Asia/Tokyo",
            scopes=self.scopes,
        )


def entry(number: int, minutes: int, occurrence: str = "") -> AgendaEntry:
    place = AgendaPlace(starts_at=BEGIN + timedelta(minutes=minutes), thing_id=UUID(int=number), occurrence=occurrence)
    return AgendaEntry(place=place, document=msgspec.json.encode({"id": number, "of": occurrence}))


def client(tasks: Diary, events: Diary, scopes: frozenset[str] | None = None) -> httpx.AsyncClient:
    routes = agenda_routes({"task": tasks, "event": events})
    return client_of(create_application(routes, identities=Somebody(scopes), settings=SETTINGS))


async def pages(client: httpx.AsyncClient, limit: int) -> list[list[Any]]:
    found, cursor = [], None
    while True:
        parameters: dict[str, Any] = {"from": "2026-11-22T12:00:00Z", "limit": limit}
        answer = await client.get("/api/agenda", params=parameters | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_what_all_contexts_have_is_one_list_on_whatever_pages() -> None:
    random = Random(3)
    # Many at one time, and occurrences of one thing among them, so that every part of a place decides.
    some = [entry(number, random.randrange(4)) for number in range(1, 25)]
    others = [entry(100 + number % 3, random.randrange(4), f"{number}") for number in range(24)]
    expected = sorted([*some, *others], key=lambda one: one.place)
    async with client(Diary(some), Diary(others)) as asking:
        for limit in (1, 5, 47, 48, 200):
            found = await pages(asking, limit)
            assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
            assert found[-1], "No page is empty."
            shown = [item[item["kind"]] for page in found for item in page]
            assert shown == [msgspec.json.decode(one.document) for one in expected]


async def test_an_item_says_what_it_is_and_when_and_nothing_that_it_is_not() -> None:
    place = AgendaPlace(starts_at=BEGIN, thing_id=UUID(int=1))
    day = AgendaEntry(place=place, ends_at=BEGIN + timedelta(days=1), all_day=True, document=b'{"title":"Holiday"}')
    async with client(Diary([entry(2, 5)]), Diary([day])) as asking:
        ((first, second),) = await pages(asking, 50)
    assert first == {
        "kind": "event",
        "starts_at": "2026-11-22T12:00:00Z",
        "ends_at": "2026-11-23T12:00:00Z",
        "all_day": True,
        "event": {"title": "Holiday"},
    }
    assert second == {"kind": "task", "starts_at": "2026-11-22T12:05:00Z", "task": {"id": 2, "of": ""}}


async def test_the_question_reaches_every_context_in_the_zone_of_the_profile_for_31_days() -> None:
    tasks, events = Diary([]), Diary([])
    async with client(tasks, events) as asking:
        answer = await asking.get("/api/agenda", params={"from": "2026-11-22T13:00:00+01:00", "limit": 7})
        assert answer.json() == {"items": [], "next_cursor": None}
    expected = FindAgenda(
        workspace_id=WORKSPACE, since=BEGIN, until=BEGIN + timedelta(days=31), time_zone="Asia/Tokyo", limit=7
    )
    assert tasks.asked == events.asked == [expected]


@pytest.mark.parametrize(
    "parameters, pointer",
    [
        ({"from": "2026-11-22T12:00:00Z", "to": "2026-11-22T12:00:00Z"}, "to"),
        ({"from": "2026-11-22T12:00:00Z", "to": "2030-11-22T12:00:00Z"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"limit": "201"}, "limit"),
        ({"form": "2026-11-22T12:00:00Z"}, "form"),
    ],
)
async def test_what_makes_no_sense_is_refused(parameters: dict[str, str], pointer: str) -> None:
    async with client(Diary([]), Diary([])) as asking:
        answer = await asking.get("/api/agenda", params=parameters)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (422, [pointer])


async def test_a_cursor_is_of_one_question() -> None:
    async with client(Diary([entry(1, 0), entry(2, 0)]), Diary([])) as asking:
        first = await asking.get("/api/agenda", params={"limit": 1})
        cursor = first.json()["next_cursor"]
        assert (await asking.get("/api/agenda", params={"limit": 2, "cursor": cursor})).status_code == 200
        other = await asking.get("/api/agenda", params={"cursor": cursor, "time_zone": "UTC"})
        assert other.status_code == 422


@pytest.mark.parametrize("scopes", [{"tasks:read"}, {"calendar:read"}, set()])
async def test_a_token_needs_the_scopes_of_all_that_is_shown(scopes: set[str]) -> None:
    tasks, events = Diary([]), Diary([])
    async with client(tasks, events, frozenset(scopes)) as asking:
        assert (await asking.get("/api/agenda")).status_code == 403
    assert tasks.asked == events.asked == []
    async with client(tasks, events, frozenset({"tasks:read", "calendar:read"})) as asking:
        assert (await asking.get("/api/agenda")).status_code == 200


async def test_where_a_part_is_away_nothing_is_shown_as_if_it_were_all() -> None:
    events = Diary([])
    events.away = True
    async with client(Diary([entry(1, 0)]), events) as asking:
        assert (await asking.get("/api/agenda")).status_code == 503

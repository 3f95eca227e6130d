"""Calendars as text by HTTP: import, export, and feeds for whoever has their secret."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sigdep.calendar.commands import CreateCalendar, EditCalendar, TrashCalendar
from sigdep.calendar.context import routes
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.domain.feed import digest_of
from sigdep.calendar.events.feeds import MemberLeft
from sigdep.calendar.reactions import CalendarReactions
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import MemberRemoved
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.application import create_application
from sigdep.gateway.settings import GatewaySettings
from sigdep.ical.lines import OCTETS_MAX
from sigdep.kernel.ids import SubjectId
from sigdep.rpc.call import Principal
from tests.calendar.stories import ADA, BOB, CY, EVE, HOME, NOON, TEAM
from tests.calendar.world import ROLES, World
from tests.ical.samples import GOOGLE, calendar, octets

SETTINGS = GatewaySettings(fingerprint_key=b"for tests: sixteen bytes or more", limits=None)
PEOPLE = {"ada": ADA, "bob": BOB, "cy": CY, "eve": EVE}
TEXT = {"content-type": "text/calendar; charset=utf-8"}
IDENTITY = {"accept-encoding": "identity"}


class Identities:
    """The port: a bearer is a name."""

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        user = PEOPLE[bearer]
        return Principal(user_id=user, personal_workspace_id=next(iter(ROLES[user])), roles=ROLES[user])


@pytest.fixture
async def world() -> World:
    return await World().start()


@pytest.fixture
async def kept(world: World) -> Calendar:
    fields: dict[str, Any] = {"name": "Team über alles", "workspace_id": TEAM, "time_zone": "Europe/Berlin"}
    made: Calendar = (await world.ask(CreateCalendar, **fields)).value
    return made


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    application = create_application(routes(world.write, world.read), identities=Identities(), settings=SETTINGS)
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://sigdep", headers=IDENTITY) as client:
        yield client


def as_(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


async def take(client: httpx.AsyncClient, kept: Calendar, text: bytes, who: str = "ada", query: str = "") -> Any:
    path = f"/api/calendars/{kept.id}/import{query}"
    return await client.post(path, content=text, headers={**TEXT, **as_(who)})


async def open_feed(client: httpx.AsyncClient, kept: Calendar, who: str = "ada", **headers: str) -> Any:
    return await client.post(f"/api/calendars/{kept.id}/feed", headers={**as_(who), **headers})


# ── import and export ───────────────────────────────────────────────────────────────────────────────────


async def test_import_answers_what_became_of_each(client: httpx.AsyncClient, kept: Calendar) -> None:
    text = octets(GOOGLE.replace("DTSTART:20260404T120000Z", "DTSTART:never"))
    answer = await take(client, kept, text, query="?dry_run=true")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["created"], found["updated"], found["unchanged"], found["skipped_count"]) == (2, 0, 0, 1)
    assert found["skipped"][0]["uid"] == "1utc@google.com"
    assert (await take(client, kept, text)).json()["created"] == 2
    assert (await take(client, kept, text)).json()["unchanged"] == 2


async def test_a_body_of_another_kind_or_too_large_is_refused(client: httpx.AsyncClient, kept: Calendar) -> None:
    path = f"/api/calendars/{kept.id}/import"
    for headers in (
        {"content-type": "application/json"},
        {"content-type": "text/calendar; charset=latin-1"},
        {**TEXT, "content-encoding": "gzip"},
        {},
    ):
        answer = await client.post(path, content=b"{}", headers={**headers, **as_("ada")})
        assert answer.status_code == 415, headers
    assert (await take(client, kept, b"x" * (OCTETS_MAX + 1))).status_code == 413
    for text in (b"", b"Hello", b"\xff", b"BEGIN:VCALENDAR\n" * 9):
        answer = await take(client, kept, text)
        assert answer.status_code == 422
        assert answer.json()["detail"]


async def test_export_is_for_those_who_may_read(client: httpx.AsyncClient, world: World, kept: Calendar) -> None:
    await take(client, kept, octets(GOOGLE))
    await world.project()
    answer = await client.get(f"/api/calendars/{kept.id}/export", headers=as_("cy"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Team%20%C3%BCber%20alles.ics"
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"SUMMARY:Stand-up" in answer.content
    assert (await client.get(f"/api/calendars/{kept.id}/export", headers=as_("eve"))).status_code == 404
    assert (await client.get(f"/api/calendars/{kept.id}/export")).status_code == 401


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_feed_is_for_whoever_has_its_secret(client: httpx.AsyncClient, world: World, kept: Calendar) -> None:
    await take(client, kept, octets(GOOGLE))
    await world.project()
    opened = (await open_feed(client, kept)).json()
    answer = await client.get(opened["path"])
    assert answer.status_code == 200
    assert answer.content == (await client.get(f"/api/calendars/{kept.id}/export", headers=as_("ada"))).content
    assert "no-cache" in answer.headers["cache-control"]
    assert answer.headers["last-modified"].endswith(" GMT")
    bare = f"/api/calendars/{kept.id}.ics"
    wrong = [f"{bare}?token=", f"{bare}?token=x", f"{bare}?token={digest_of(opened['token'])}", opened["path"] + "x"]
    other = f"/api/calendars/{ADA}.ics?token={opened['token']}"
    assert (await client.get(opened["path"].replace(".ics", ".ical"))).status_code == 401, "another route"
    for path in [*wrong, other]:
        assert (await client.get(path)).status_code in (404, 422), path
    assert (await client.get(bare)).status_code == 422, "a token is required"


async def test_the_secret_is_shown_once_and_kept_by_nobody(
    client: httpx.AsyncClient, world: World, kept: Calendar
) -> None:
    first = await open_feed(client, kept, **{"idempotency-key": "once"})
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    again = await open_feed(client, kept, **{"idempotency-key": "once"})
    assert again.status_code == 409
    assert "shown once" in again.json()["detail"]
    token = first.json()["token"]
    stored = b"".join(repr(recorded.event).encode() for recorded in await world.events())
    assert token.encode() not in stored
    assert digest_of(token).encode() in stored
    about = (await client.get(f"/api/calendars/{kept.id}/feed", headers=as_("cy"))).json()
    assert (about["open"], about["opened_by"]) == (True, str(ADA))
    assert digest_of(token) not in repr(about)
    assert (await client.get(first.json()["path"])).status_code == 200


async def test_a_new_secret_or_closing_ends_the_former_at_once(client: httpx.AsyncClient, kept: Calendar) -> None:
    first, second = [(await open_feed(client, kept)).json()["path"] for _ in range(2)]
    assert (await client.get(first)).status_code == 404
    assert (await client.get(second)).status_code == 200
    dry = await client.post(f"/api/calendars/{kept.id}/feed?dry_run=true", headers=as_("ada"))
    assert dry.status_code == 409
    assert (await client.get(second)).status_code == 200
    assert (await client.delete(f"/api/calendars/{kept.id}/feed", headers=as_("ada"))).status_code == 204
    assert (await client.get(second)).status_code == 404
    assert (await client.get(f"/api/calendars/{kept.id}/feed", headers=as_("ada"))).json()["open"] is False


async def test_the_feed_of_who_has_left_ends(client: httpx.AsyncClient, world: World, kept: Calendar) -> None:
    """Until then, and in that workspace: who is back opens another one."""
    path = (await open_feed(client, kept, "bob")).json()["path"]

    async def hear(user: UserId, workspace: WorkspaceId, at: datetime) -> None:
        left = MemberRemoved(workspace_id=workspace, user_id=user, removed_at=at)
        event = CloudEvent(id="3-17", source="/contexts/users", type="sigdep.users.MemberRemoved", time=at, data=left)
        for _ in range(2):
            await CalendarReactions(world.write).react(event)

    await hear(ADA, TEAM, world.now)
    await hear(BOB, HOME, world.now)
    await hear(BOB, TEAM, NOON - timedelta(days=1))
    assert (await client.get(path)).status_code == 200, "others, elsewhere, and before"
    await hear(BOB, TEAM, datetime.now(UTC))
    assert (await client.get(path)).status_code == 404
    assert (await client.get(f"/api/calendars/{kept.id}/feed", headers=as_("ada"))).json()["open"] is False
    stored = [one for one in await world.events() if isinstance(one.event, MemberLeft) and one.event.user_id == BOB]
    assert len(stored) == 3, "once each, however often one hears of it"
    again = (await open_feed(client, kept, "bob")).json()["path"]
    assert (await client.get(again)).status_code == 200
    assert (await client.get(path)).status_code == 404


async def test_a_member_who_left_a_workspace_that_is_erased_stops_nobody(world: World) -> None:
    await world.keys.destroy(SubjectId(TEAM))
    left = MemberRemoved(workspace_id=TEAM, user_id=BOB, removed_at=NOON)
    event = CloudEvent(id="3-17", source="/contexts/users", type="sigdep.users.MemberRemoved", time=NOON, data=left)
    await CalendarReactions(world.write).react(event)


async def test_who_may_open_and_close_a_feed(client: httpx.AsyncClient, kept: Calendar) -> None:
    for name, status in (("bob", 200), ("cy", 403), ("eve", 404)):
        assert (await open_feed(client, kept, name)).status_code == status, name
    for name, status in (("cy", 403), ("eve", 404), ("bob", 204)):
        answer = await client.delete(f"/api/calendars/{kept.id}/feed", headers=as_(name))
        assert answer.status_code == status, name
    assert (await client.post(f"/api/calendars/{kept.id}/feed")).status_code == 401


async def test_a_feed_is_sent_again_only_when_it_is_different(
    client: httpx.AsyncClient, world: World, kept: Calendar
) -> None:
    await take(client, kept, octets(GOOGLE))
    await world.project()
    path = (await open_feed(client, kept)).json()["path"]
    await world.project()
    first = await client.get(path)
    same = await client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get(path, headers={"if-none-match": '"other", W/' + first.headers["etag"]})).status_code == 304
    assert (await client.get(path, headers={"if-none-match": '"other"'})).status_code == 200
    await world.ask(CreateCalendar, name="Something else", workspace_id=TEAM)
    await world.project()
    assert (await client.get(path, headers={"if-none-match": first.headers["etag"]})).status_code == 304
    await world.ask(EditCalendar, calendar_id=kept.id, name="Renamed")
    await world.project()
    changed = await client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert b"X-WR-CALNAME:Renamed" in changed.content


async def test_a_feed_is_compressed_for_who_understands_it(
    client: httpx.AsyncClient, world: World, kept: Calendar
) -> None:
    await take(client, kept, octets(GOOGLE))
    await world.project()
    path = (await open_feed(client, kept)).json()["path"]
    plain = await client.get(path)
    async with client.stream("GET", path, headers={"accept-encoding": "br, gzip;q=0.8"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < len(plain.content) / 2
    assert gzip.decompress(raw) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"], "other octets"
    assert answer.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    refused = await client.get(path, headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_the_feed_of_a_calendar_in_the_trash_is_none(
    client: httpx.AsyncClient, world: World, kept: Calendar
) -> None:
    path = (await open_feed(client, kept)).json()["path"]
    assert (await client.get(path)).status_code == 200
    await world.ask(TrashCalendar, calendar_id=kept.id)
    await world.project()
    assert (await client.get(path)).status_code == 404


async def test_no_imported_text_becomes_a_header_or_another_property(
    client: httpx.AsyncClient, world: World, kept: Calendar
) -> None:
    evil = "UID:1\nDTSTART:20260101T090000Z\nSUMMARY:x\\nATTENDEE:mailto:evil@example.com\nX-A:1\x85ATTENDEE:evil"
    await take(client, kept, calendar(evil))
    await world.ask(EditCalendar, calendar_id=kept.id, name='a"; filename="b.exe')
    await world.project()
    answer = await client.get(f"/api/calendars/{kept.id}/export", headers=as_("ada"))
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe.ics"
    assert not [line for line in answer.text.splitlines() if line.startswith("ATTENDEE")]

"""iCalendar as a client sees it: in one process and in several."""

import asyncio
import time

import httpx

from tests.ical.hostile import HOSTILE
from tests.ical.samples import GOOGLE, calendar, octets
from tests.system.person import JSON, Person, problem

TEXT = {"Content-Type": "text/calendar"}
ENDS_SECONDS_MAX = 20.0
"""It is a second, where nothing else is going on."""
QUICK_SECONDS_MAX = 5.0
"""Generous, as these machines are busy: the median is far below."""


async def add_calendar(person: Person) -> str:
    made = await person.write("POST", "/api/calendars", {"name": "Imported", "time_zone": "Europe/Berlin"})
    return f"/api/calendars/{made['id']}"


async def take(person: Person, path: str, text: bytes, **query: str) -> JSON:
    answer = await person.client.post(f"{path}/import", content=text, headers=TEXT, params=query)
    assert answer.status_code == 200, answer.text
    person.position = answer.headers["Sigdep-Position"]
    found: JSON = answer.json()
    return found


async def text_of(person: Person, path: str) -> bytes:
    headers = {"Sigdep-Min-Position": person.position}
    answer = await person.client.get(f"{path}/export", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return answer.content


def counts(imported: JSON) -> tuple[int, int, int, int]:
    return imported["created"], imported["updated"], imported["unchanged"], imported["skipped_count"]


async def test_a_calendar_comes_in_goes_out_and_comes_in_again_without_a_change(ada: Person) -> None:
    path = await add_calendar(ada)
    assert counts(await take(ada, path, octets(GOOGLE), dry_run="true")) == (3, 0, 0, 0)
    assert counts(await take(ada, path, octets(GOOGLE))) == (3, 0, 0, 0)
    assert counts(await take(ada, path, octets(GOOGLE))) == (0, 0, 3, 0)
    items = await ada.items(
        "/api/events", **{"from": "2026-03-01T00:00:00Z", "to": "2026-03-14T00:00:00Z", "calendar_id": path[15:]}
    )
    assert [one["start"] for one in items] == ["2026-03-02T09:00:00", "2026-03-04T09:00:00", "2026-03-11T10:00:00"]
    text = await text_of(ada, path)
    assert b"X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij\r\n" in text
    assert counts(await take(ada, path, text)) == (0, 0, 3, 0)
    other = await add_calendar(ada)
    assert counts(await take(ada, other, text)) == (3, 0, 0, 0)


async def test_a_feed_needs_its_secret_and_nothing_else(ada: Person) -> None:
    path = await add_calendar(ada)
    await take(ada, path, octets(GOOGLE))
    feed = (await ada.write("POST", f"{path}/feed"))["path"]
    async with httpx.AsyncClient(base_url=ada.client.base_url, trust_env=False) as stranger:
        answer = await stranger.get(feed, headers={"Sigdep-Min-Position": ada.position})
        assert answer.content == await text_of(ada, path)
        assert answer.headers["content-encoding"] == "gzip"
        again = await stranger.get(feed, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        problem(await stranger.get(feed + "x"), 404)
        problem(await stranger.get(f"{path}.ics", params={"token": "x"}), 404)
        await ada.client.delete(f"{path}/feed")
        problem(await stranger.get(feed), 404)


async def test_a_feed_ends_when_its_maker_leaves(ada: Person, bob: Person) -> None:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    made = await ada.write("POST", "/api/calendars", {"name": "Team", "workspace_id": workspace})
    theirs = (await bob.write("POST", f"/api/calendars/{made['id']}/feed"))["path"]
    async with httpx.AsyncClient(base_url=ada.client.base_url, trust_env=False) as stranger:
        assert (await stranger.get(theirs)).status_code == 200
        await ada.write("DELETE", f"/api/workspaces/{workspace}/members/{bob.id}")
        async with asyncio.timeout(ENDS_SECONDS_MAX):
            while (await stranger.get(theirs)).status_code != 404:
                await asyncio.sleep(0.05)
        ours = (await ada.write("POST", f"/api/calendars/{made['id']}/feed"))["path"]
        assert (await stranger.get(ours)).status_code == 200


async def test_hostile_calendars_are_refused_or_skipped_and_others_are_served_meanwhile(ada: Person) -> None:
    path = await add_calendar(ada)
    waited: list[float] = []
    ended = asyncio.Event()

    async def look() -> None:
        while not ended.is_set():
            begun = time.monotonic()
            assert (await ada.client.get("/health/live")).status_code == 200
            waited.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    for name, text in HOSTILE.items():
        answer = await ada.client.post(f"{path}/import", content=text, headers=TEXT)
        assert answer.status_code in (200, 413, 422), f"{name} → {answer.status_code}: {answer.text}"
        if name.startswith("10,000 EXDATEs"):
            assert answer.status_code == 422
            assert "EXDATE: a series has at most 2,000" in answer.json()["detail"]
    ended.set()
    await looking
    assert max(waited) < QUICK_SECONDS_MAX


async def test_a_summary_never_becomes_an_attendee(ada: Person) -> None:
    path = await add_calendar(ada)
    evil = "UID:1\nDTSTART:20260101T090000Z\nSUMMARY:x\\nATTENDEE:mailto:evil@example.com"
    assert counts(await take(ada, path, calendar(evil)))[0] == 1
    await ada.write(
        "POST",
        "/api/events",
        {
            "title": "y",
            "start": "2026-01-02",
            "description": "z\r\nATTENDEE:mailto:evil@example.com",
            "calendar_id": path[15:],
        },
    )
    lines = (await text_of(ada, path)).replace(b"\r\n ", b"").split(b"\r\n")
    assert not [line for line in lines if line.startswith(b"ATTENDEE")]
    assert b"DESCRIPTION:z\\nATTENDEE:mailto:evil@example.com" in lines

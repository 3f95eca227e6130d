"""How much one request takes over of a text, and how much is stored at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sigdep.calendar.queries import Imported
from sigdep.calendar.writing.imports import ENTRIES_AT_ONCE
from sigdep.calendar.writing.portions import EVENTS_MAX, WAITING_MAX, Portion, Readers, TooMuchAtOnce
from sigdep.kernel.errors import Invalid, Unavailable
from tests.calendar.importing import Place, counts, many
from tests.ical.hostile import HOSTILE
from tests.ical.samples import calendar


async def test_more_than_one_request_takes_over_is_refused_before_anything_is_stored(place: Place) -> None:
    stored = len(await place.events())
    with pytest.raises(TooMuchAtOnce, match=r"10,001 events.* 5,000 at most.*Nothing was imported.*\?skip=0"):
        await place.take(many(2 * EVENTS_MAX + 1))
    overridden = [f"UID:1\nRECURRENCE-ID:20260101T{n // 60:02}{n % 60:02}00Z\nDTSTART:20260101T1000Z" for n in range(9)]
    with pytest.raises(TooMuchAtOnce, match="5,010 events"):
        await place.take(many(EVENTS_MAX) + calendar("UID:1\nDTSTART:20260101T000000Z", *overridden))
    assert len(await place.events()) == stored


async def test_ten_thousand_events_are_imported_part_by_part(place: Place) -> None:
    text = many(2 * EVENTS_MAX + 1)
    parts: list[Imported] = []
    skip: int | None = 0
    while skip is not None:
        parts.append(await place.take(text, skip=skip))
        skip = parts[-1].next_skip
    assert [(one.created, one.next_skip) for one in parts] == [(5_000, 5_000), (5_000, 10_000), (1, None)]
    assert {one.event_count for one in parts} == {10_001}
    again = await place.take(text, skip=EVENTS_MAX)
    assert (counts(again), again.next_skip) == ((0, 0, EVENTS_MAX, 0), 2 * EVENTS_MAX), "what is there, is there"


async def test_what_is_wrong_with_the_text_is_told_once(place: Place) -> None:
    text = calendar("UID:x\nDTSTART:never") + many(3)
    assert [(await place.take(text, skip=skip)).skipped_count for skip in (None, 0, 1, 3)] == [1, 1, 0, 0]
    with pytest.raises(Invalid, match="nothing behind 4"):
        await place.take(text, skip=4)


async def test_series_that_take_long_to_find_out_about_are_fewer_in_one_request(place: Place) -> None:
    """What they take is counted before anything is stored."""
    text = many(300, "\nRRULE:FREQ=MINUTELY;INTERVAL=100")
    stored = len(await place.events())
    with pytest.raises(TooMuchAtOnce):
        await place.take(text)
    assert len(await place.events()) == stored
    part = await place.take(text, skip=0)
    assert part.next_skip is not None
    assert 0 < part.created < 150
    ranged = [f"UID:{n}\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY" for n in range(150)]
    ranged += [
        f"UID:{n}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260103T090000Z\nDTSTART:20260103T100000Z" for n in range(150)
    ]
    with pytest.raises(TooMuchAtOnce):
        await place.take(calendar(*ranged))
    weekly_ones = many(EVENTS_MAX, "\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH").replace(b"@example.com", b"@weekly")
    assert (await place.take(weekly_ones)).created == EVENTS_MAX


async def test_a_slow_machine_says_where_to_go_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.calendar.write_service.SECONDS_MAX", 0.0)
    part = await place.take(many(2 * ENTRIES_AT_ONCE))
    assert (part.created, part.next_skip, part.event_count) == (ENTRIES_AT_ONCE, ENTRIES_AT_ONCE, 2 * ENTRIES_AT_ONCE)


async def test_of_texts_that_wait_to_be_read_there_are_few(place: Place) -> None:
    readers = Readers()
    texts = [asyncio.create_task(readers.read(many(50), None)) for _ in range(WAITING_MAX + 3)]
    found = await asyncio.gather(*texts, return_exceptions=True)
    assert sum(isinstance(one, Portion) for one in found) == WAITING_MAX + 1
    assert sum(isinstance(one, Unavailable) for one in found) == 2


async def test_new_ones_are_not_looked_for_and_found_all_the_same(place: Place) -> None:
    """Behind a part that was all new the next is expected to be: what is there already is neither lost nor doubled."""
    known = [f"UID:{n}@example.com\nDTSTART:20260101T090000Z\nSUMMARY:{n}" for n in (150, 203)]
    assert counts(await place.take(calendar(*known))) == (2, 0, 0, 0)
    assert counts(await place.take(many(2 * ENTRIES_AT_ONCE + 5))) == (2 * ENTRIES_AT_ONCE + 3, 0, 2, 0)
    assert len(await place.kept()) == 2 * ENTRIES_AT_ONCE + 5


async def test_a_series_with_more_changes_than_are_stored_at_once_is_skipped(place: Place) -> None:
    """The first time it is one event; to change all of them takes one for each."""
    many = HOSTILE["as many overrides as are read"]
    assert counts(await place.take(many)) == (1, 0, 0, 0)
    assert counts(await place.take(many)) == (0, 0, 1, 0)
    moved_all = many.replace(b"DTSTART:20260105T100000Z", b"SEQUENCE:1\r\nDTSTART:20260105T110000Z")
    again = await place.take(moved_all + calendar("UID:other\nDTSTART:20260101"))
    assert counts(again) == (1, 0, 0, 1)
    assert again.skipped[0].reason == "More than 1,000 of its occurrences would change at once."


async def test_no_more_is_stored_at_once_than_an_append_takes(place: Place) -> None:
    def series(uid: int, hour: int) -> list[str]:
        days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(600)]
        main = f"UID:{uid}\nSEQUENCE:{hour}\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY"
        changed = [f"UID:{uid}\nRECURRENCE-ID:{day:%Y%m%d}T090000Z\nDTSTART:{day:%Y%m%d}T{hour}0000Z" for day in days]
        return [main, *changed]

    assert counts(await place.take(calendar(*series(1, 10), *series(2, 10)))) == (2, 0, 0, 0)
    assert counts(await place.take(calendar(*series(1, 11), *series(2, 11)))) == (0, 2, 0, 0)


async def test_an_entry_that_no_store_would_take_is_skipped(place: Place) -> None:
    override = "UID:1\nRECURRENCE-ID:2026{:02}{:02}T090000Z\nDTSTART:20260105T100000Z\nDESCRIPTION:" + "é" * 5_000
    days = [override.format(n // 28 + 1, n % 28 + 1) for n in range(120)]
    large = await place.take(calendar("UID:1\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY", *days))
    assert counts(large) == (0, 0, 0, 1)
    assert "larger than" in large.skipped[0].reason

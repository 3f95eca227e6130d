"""Reminders arrive once, whatever happens to whoever sends them, and each can say why it came or did not."""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from sigdep.services.distributed.cluster import Cluster
from sigdep.testing.running_server import running_server
from tests.system.conftest import LONG, Say, SignUp
from tests.system.faults import chaos_cluster, process_of, seed_of_this_run
from tests.system.person import JSON, Person, signed_up
from tests.system.reminder_sink import (
    Lateness,
    ReminderSink,
    remind,
    reminder_sink,
    scheduled,
    wants_pushes,
)
from tests.system.test_moved_clock import HOUR, clock, move

__all__ = ["clock"]

REMINDERS: Final = 10_000 if LONG else 200
SPAN: Final = timedelta(seconds=60 if LONG else 8)
KILLS: Final = 10 if LONG else 3
AHEAD: Final = timedelta(seconds=45 if LONG else 6)
"""From the first task to the first reminder: so long it may take to write all tasks."""

ARRIVED_SECONDS_MAX: Final = 300.0 if LONG else 120.0
"""After the last was due. A machine that is busy with other tests must not fail one."""

STOPPED_SECONDS: Final = 6.0


def due_times(count: int, first: datetime, span: timedelta) -> Mapping[str, datetime]:
    return {f"Reminder {number}": first + span * number / count for number in range(count)}


def compare(sink: ReminderSink, due: Mapping[str, datetime], seed: str) -> None:
    """Each came, under one key, and nothing else did."""
    keys = sink.keys_by_title()
    assert keys.keys() == due.keys(), seed
    assert [title for title, found in keys.items() if len(found) != 1] == [], seed
    assert len({key for found in keys.values() for key in found}) == len(due), seed
    assert sink.records.faults == []


@pytest.mark.timeout(900)
async def test_each_arrives_once_though_the_server_is_killed_again_and_again(tmp_path: Path, say: Say) -> None:
    seed = seed_of_this_run()
    chance = random.Random(seed)
    async with reminder_sink(tmp_path) as (sink, settings):
        with running_server(**settings) as server:
            async with signed_up(server.url) as ada:
                await wants_pushes(ada)
                due = due_times(REMINDERS, datetime.now(UTC) + AHEAD, SPAN)
                await remind(ada, due)
                first, last = min(due.values()), max(due.values())
                kills = sorted(first + (last - first) * (0.05 + 0.9 * chance.random()) for _ in range(KILLS))
                outages = list[tuple[datetime, datetime]]()
                for at in kills:
                    await asyncio.sleep((at - datetime.now(UTC)).total_seconds())
                    down = datetime.now(UTC)
                    server.kill()
                    await asyncio.to_thread(server.start)
                    outages.append((down - timedelta(seconds=1), datetime.now(UTC)))
                await sink.until(REMINDERS, (last - datetime.now(UTC)).total_seconds() + ARRIVED_SECONDS_MAX)
                # What was being sent when it was killed is sent again, by the same key, and may come a moment later.
                await asyncio.sleep(1)
                compare(sink, due, f"seed {seed}")
                report(say, sink, due, outages, f"seed {seed}, {KILLS} kills")
                shown = await ada.items("/api/reminders", after="", state="fired")
                assert len(shown) == REMINDERS
                assert server.stop() == 0
                verified = server.run("verify")
                assert verified.returncode == 0, verified.stdout + verified.stderr


def report(
    say: Say, sink: ReminderSink, due: Mapping[str, datetime], outages: list[tuple[datetime, datetime]], what: str
) -> None:
    """How late they were: whether that is within the limits is for a quiet machine to say."""
    first = sink.first_at()
    late = {title: (first[title] - at).total_seconds() for title, at in due.items()}
    within = {title for title, at in due.items() if any(begin <= at <= end for begin, end in outages)}
    say(f"{what}: {len(due)} reminders, {sink.repeats} repeated under their own key")
    say(f"outside outages {Lateness([late[title] for title in due if title not in within])}")
    say(f"within outages {Lateness([late[title] for title in within])}")


@pytest.mark.timeout(900)
async def test_two_schedulers_at_once_of_which_one_dies_and_one_sleeps(tmp_path: Path, say: Say) -> None:
    """The one that slept wakes with work in its hands that another one has done meanwhile."""
    seed = seed_of_this_run()
    async with reminder_sink(tmp_path) as (sink, settings):
        variables = {f"SIGDEP_{name.upper()}": value for name, value in settings.items()} | {"SIGDEP_LIMITS": "false"}
        async with (
            chaos_cluster(settings=variables, replicas={"notifications.write": 2}) as cluster,
            signed_up(cluster.url) as ada,
        ):
            await wants_pushes(ada)
            due = due_times(REMINDERS // 2, datetime.now(UTC) + 2 * AHEAD, 2 * SPAN)
            await remind(ada, due)
            last = max(due.values())
            await asyncio.sleep((min(due.values()) + SPAN / 4 - datetime.now(UTC)).total_seconds())
            await _stop_and_wake(cluster, "notifications.write")
            await _stop_and_wake(cluster, "notifications.write.2")
            os.kill(await process_of(cluster, "notifications.write"), signal.SIGKILL)
            await sink.until(len(due), (last - datetime.now(UTC)).total_seconds() + ARRIVED_SECONDS_MAX)
            await asyncio.sleep(1)
            compare(sink, due, f"seed {seed}")
            report(say, sink, due, [], f"seed {seed}, two schedulers")


async def _stop_and_wake(cluster: Cluster, name: str) -> None:
    process_id = await process_of(cluster, name)
    os.kill(process_id, signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    os.kill(process_id, signal.SIGCONT)


@pytest.mark.timeout(300)
async def test_a_clock_that_leaps_ahead_and_back_loses_and_doubles_nothing(
    clock: Path, tmp_path: Path, say: Say
) -> None:
    async with reminder_sink(tmp_path) as (sink, settings):
        with running_server(**settings) as server:
            async with signed_up(server.url) as ada:
                await wants_pushes(ada)
                now = datetime.now(UTC)
                soon = due_times(20, now + timedelta(seconds=10), timedelta(seconds=10))
                within = {f"Within {number}": now + timedelta(minutes=30 + number) for number in range(5)}
                after = {f"After {number}": now + timedelta(minutes=61 + number) for number in range(5)}
                await remind(ada, {**soon, **within, **after})
                await asyncio.sleep(15)  # In the middle of the first.
                move(clock, HOUR)
                await sink.until(25, 60)  # Those of the hour that was left out have come, and none of the later ones.
                move(clock, HOUR - 2 * HOUR)
                await asyncio.sleep(3)
                assert set(sink.keys_by_title()) == {*soon, *within}
                move(clock, 0)
                await asyncio.sleep(3)
                assert set(sink.keys_by_title()) == {*soon, *within}
                move(clock, 2 * HOUR)
                await sink.until(30, 60)
                compare(sink, {**soon, **within, **after}, "")
                assert sink.repeats == 0
                await ada.sign_in()  # Their session ended when the clock leapt.
                shown = await ada.items("/api/reminders", after="")
                assert {item["state"] for item in shown} == {"fired"}
                say(f"{len(shown)} reminders over leaps of +1 h, -2 h, +1 h and +2 h: each came once")


async def told(person: Person, title: str, state: str) -> JSON:
    """The history of the reminder of the task with this title, once it has come so far."""
    async with asyncio.timeout(60):
        while True:
            for item in await person.items("/api/reminders", after=""):
                if item["title"] == title and item["state"] == state:
                    return await person.read(f"/api/reminders/{item['id']}", after="")
            await asyncio.sleep(0.1)


@pytest.mark.every_broker
async def test_a_reminder_says_why_it_came_or_did_not(ada: Person, bob: Person) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    done = await ada.add_task("Done in time", reminders=[{"at": at}])
    moved = await ada.add_task("Moved", due_at=at, reminders=[{"before": "PT0S"}])
    await ada.add_task("Comes", reminders=[{"at": at}])
    await scheduled(ada, 3)
    await ada.write("POST", f"/api/tasks/{done['id']}/complete")
    later = datetime.now(UTC) + timedelta(days=1)
    await ada.edit_task(moved["id"], due_at=later.isoformat())

    came = await told(ada, "Comes", "fired")
    assert [step["what"] for step in came["steps"]] == ["scheduled", "fired"]
    assert came["steps"][0]["because"] == "sigdep.tasks.TaskCreated"
    assert 0 <= came["late_seconds"] < 60
    notification = await ada.read(f"/api/notifications/{came['notification_id']}", after="")
    assert (notification["kind"], notification["title"]) == ("reminder", "Comes")

    suppressed = await told(ada, "Done in time", "suppressed")
    assert suppressed["why"] == "done"
    assert suppressed["steps"][-1]["because"] == "sigdep.tasks.TaskCompleted"
    waits = await told(ada, "Moved", "scheduled")
    assert [step["what"] for step in waits["steps"]] == ["scheduled", "rescheduled"]
    assert abs(datetime.fromisoformat(waits["due_at"]) - later) < timedelta(seconds=1)

    again = await ada.write(
        "POST", f"/api/reminders/{came['id']}/snooze", {"until": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    )
    assert again["state"] == "scheduled"
    async with asyncio.timeout(60):
        while (came := await ada.read(f"/api/reminders/{came['id']}", after=""))["state"] != "fired":
            await asyncio.sleep(0.1)
    assert [step["what"] for step in came["steps"]] == ["scheduled", "fired", "snoozed", "fired"]

    assert await bob.items("/api/reminders") == []
    assert (await bob.client.get(f"/api/reminders/{came['id']}")).status_code == 404
    asked = {"until": later.isoformat()}
    assert (await bob.client.post(f"/api/reminders/{came['id']}/snooze", json=asked)).status_code == 404


async def test_an_event_reminds_each_who_comes_of_each_occurrence(ada: Person) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    event = {
        "title": "Stand-up",
        "start": f"{start:%Y-%m-%dT%H:%M:%S}",
        "end": f"{start + timedelta(minutes=15):%Y-%m-%dT%H:%M:%S}",
        "time_zone": "UTC",
        "recurrence": {"rules": ["FREQ=DAILY"]},
        "reminders": [{"before": "PT1S"}],
    }
    made = await ada.write("POST", "/api/events", event)
    came = await told(ada, "Stand-up", "fired")
    assert datetime.fromisoformat(came["due_at"]) == start - timedelta(seconds=1)
    assert (came["thing"]["kind"], came["thing"]["id"]) == ("appointment", made["id"])
    to_come = await ada.items("/api/reminders", after="", state="scheduled", thing_id=made["id"])
    assert len(to_come) in (34, 35)
    await ada.write("DELETE", f"/api/events/{made['id']}")
    assert (await told(ada, "Stand-up", "suppressed"))["why"] == "removed"


async def test_who_has_nothing_to_be_reminded_of_has_an_empty_list(sign_up: SignUp) -> None:
    eve = await sign_up("Eve")
    assert await eve.read("/api/reminders") == {"items": [], "next_cursor": None}

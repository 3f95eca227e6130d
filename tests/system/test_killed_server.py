"""kill -9 under writers: what was acknowledged is there once, and what was not is there wholly or not at all."""

import asyncio
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import pytest

from sigdep.testing.running_server import RunningServer, running_server
from tests.system.conftest import LONG, Say
from tests.system.feed import read_feed
from tests.system.ledger import Writer, all_writes
from tests.system.person import JSON, Person, signed_up

ROUNDS: Final = 50 if LONG else 5
WRITERS: Final = 8
READY_SECONDS_MAX: Final = 10.0
SHOWN_SECONDS_MAX: Final = 20.0

NOTIFICATIONS: Final = "/contexts/notifications"
"""Whose events repeat what others have written."""

_MARK: Final = re.compile(r"<w\d+\.\d+>")


class Memory:
    """What the server has told in its feed, gathered over all of its lives."""

    def __init__(self) -> None:
        self.position = ""
        self.marks: Counter[str] = Counter()
        self.notified: Counter[str] = Counter()
        """Marks of that of which somebody was notified."""
        self.versions: dict[str, list[int]] = defaultdict(list)
        self.versions_of_marks: dict[str, int] = {}

    async def read_on(self, person: Person) -> None:
        items, self.position = await read_feed(person, self.position)
        for item in items:
            event = item["event"]
            version = event["streamversion"]
            self.versions[event["subject"]].append(version)
            marks = _MARK.findall(json.dumps(event["data"]))
            if event["source"] == NOTIFICATIONS:
                self.notified.update(marks)
                continue
            for mark in marks:
                self.marks[mark] += 1
                self.versions_of_marks[mark] = version


@pytest.mark.timeout(60 + 30 * ROUNDS)
async def test_nothing_acknowledged_is_lost_or_doubled(say: Say) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    writers = [Writer(f"w{number}", chance.randrange(2**32)) for number in range(WRITERS)]
    memory = Memory()
    ready: list[float] = []
    with running_server() as server:
        async with signed_up(server.url) as ada:
            for round_number in range(ROUNDS):
                await _kill_under_writers(server, ada, writers, 0.05 + chance.random() * 0.8)
                left_open = sum(len(writer.unknown) for writer in writers)
                if LONG:
                    await _verify(server, f"seed {seed}, round {round_number}")
                server.start()
                ready.append(server.ready_seconds)
                await memory.read_on(ada)
                compare(writers, memory, f"seed {seed}, round {round_number}")
                await asyncio.gather(*(writer.repeat_unknown(ada) for writer in writers))
                say(
                    f"seed {seed}, kill {round_number + 1}: {memory.marks.total()} writes told, {left_open} unknown, "
                    f"ready again after {ready[-1]:.2f} s"
                )
            await memory.read_on(ada)
            compare(writers, memory, f"seed {seed}, at the end")
            await compare_with_list(ada, writers, memory)
            assert server.stop() == 0
            await _verify(server, f"seed {seed}, at the end")
    assert max(ready) < READY_SECONDS_MAX


async def _kill_under_writers(server: RunningServer, person: Person, writers: list[Writer], seconds: float) -> None:
    writing = [asyncio.ensure_future(writer.write_until_cut_off(person)) for writer in writers]
    before = sum(len(writer.acknowledged) for writer in writers)
    give_up = time.perf_counter() + 20
    while sum(len(writer.acknowledged) for writer in writers) == before:
        assert time.perf_counter() < give_up, "No write was acknowledged."
        await asyncio.sleep(0.01)
    await asyncio.sleep(seconds)
    server.kill()
    await asyncio.gather(*writing)


async def _verify(server: RunningServer, when: str) -> None:
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, f"{when}: {verified.stdout}{verified.stderr}"


def compare(writers: Sequence[Writer], memory: Memory, when: str) -> None:
    lost, doubled, misplaced = [], [], []
    for write in all_writes(writers):
        seen = memory.marks[write.mark]
        if seen > 1:
            doubled.append(write)
        if write.answer is not None and seen == 0:
            lost.append(write)
        elif write.answer is not None and "/comments" not in write.path:
            told = int(write.answer.headers["ETag"].strip('"'))
            if memory.versions_of_marks[write.mark] != told:
                misplaced.append(write)
    assert not lost, f"{when}: {len(lost)} acknowledged writes are lost: {lost[:3]}"
    assert not doubled, f"{when}: {len(doubled)} writes happened twice: {doubled[:3]}"
    assert not misplaced, f"{when}: {len(misplaced)} writes have another version than was answered: {misplaced[:3]}"
    repeated = [mark for mark, times in memory.notified.items() if times > 1]
    assert not repeated, f"{when}: notified more than once: {repeated[:3]}"
    torn = {name: found for name, found in memory.versions.items() if found != list(range(1, len(found) + 1))}
    assert not torn, f"{when}: versions with gaps, doubles or out of order: {torn}"
    unasked = set(memory.marks) - {write.mark for write in all_writes(writers)}
    assert not unasked, f"{when}: nobody asked for {unasked}"


async def compare_with_list(person: Person, writers: Sequence[Writer], memory: Memory) -> None:
    """The views show what the log tells, and what each creation was answered."""
    created = {write.body["id"]: write for write in all_writes(writers) if write.path == "/api/tasks"}
    told = {name.removeprefix("task-"): versions[-1] for name, versions in memory.versions.items()}
    expected = {task_id: told[task_id] for task_id in created}
    shown: dict[str, JSON] = {}
    async with asyncio.timeout(SHOWN_SECONDS_MAX):  # Who asks for one write is not shown those that overtook it, yet.
        while {task_id: task["version"] for task_id, task in shown.items()} != expected:
            await asyncio.sleep(0.1)
            shown = {task["id"]: task for task in await person.items("/api/tasks")}
    assert sorted(task["number"] for task in shown.values()) == list(range(1, len(shown) + 1))
    for task_id, write in created.items():
        assert write.answer is not None
        assert shown[task_id]["number"] == write.answer.json()["number"]

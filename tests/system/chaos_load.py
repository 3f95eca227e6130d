"""The load of a fault test: people with clients of theirs, and what holds of all that they were told in the end."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from tests.system.chaos_clients import Client, Eraser, InboxReader, Returner, start_counting
from tests.system.ledger import Writer
from tests.system.person import JSON, Person
from tests.system.planner import OF_CALENDARS, OF_TASKS
from tests.system.reminder_sink import ReminderSink, wants_pushes
from tests.system.test_killed_server import Memory, compare, compare_with_list

ARRIVED_SECONDS_MAX: Final = 180.0
"""After the last write, until all reminders have arrived."""

LOOK_SECONDS: Final = 0.2
SETTLED_SECONDS: Final = 1.0


class Load:
    """People with clients of theirs, and what all of them have been told."""

    def __init__(self, chance: random.Random, sink: ReminderSink, clients_of_each: int) -> None:
        """
        Args:
            sink: where reminders are sent to.
        """
        self._chance = chance
        self._sink = sink
        self._clients_of_each = clients_of_each
        self.over = asyncio.Event()
        self.clients: dict[Person, Sequence[Client]] = {}
        self.inboxes: dict[Person, InboxReader] = {}
        self.returner = Returner()
        self.eraser = Eraser()
        self._jobs: list[asyncio.Task[None]] = []
        self._begun = time.monotonic()

    async def begin(self, people: Sequence[Person]) -> None:
        for number, person in enumerate(people):
            await wants_pushes(person)
            first = Writer(f"w{number}", 0)
            counting = await start_counting(person, first)
            clients = [
                Client(f"w{number}{place}{line}", self._chance.randrange(2**32), kinds, counted)
                for place in range(self._clients_of_each)
                for line, (kinds, counted) in enumerate(((OF_TASKS, counting), (OF_CALENDARS, None)))
            ]
            clients[0].writes += first.writes
            self.clients[person] = clients
            self._jobs += [asyncio.create_task(client.work_until(person, self.over)) for client in clients]
            self.inboxes[person] = InboxReader()
            self._jobs.append(asyncio.create_task(self.inboxes[person].read_until(person, self.over)))
            self._jobs.append(asyncio.create_task(self.returner.return_until(person, self.over)))
        self._jobs.append(asyncio.create_task(self.eraser.erase_until(people[0], self.over)))
        self._begun = time.monotonic()

    def raise_what_failed(self) -> None:
        for job in self._jobs:
            if job.done():
                job.result()

    async def end(self, say: Callable[[str], None]) -> float:
        """Return once all is acknowledged: how many a second have been, until this was called."""
        rate = self.written / (time.monotonic() - self._begun)
        self.over.set()
        await asyncio.gather(*self._jobs)
        insistent = (*self._everybody, *self.inboxes.values(), self.returner)
        refusals = sum((one.refusals for one in insistent), self.eraser.refusals)
        assert set(refusals) <= {503}
        say(f"{self.written} writes acknowledged, {rate:.0f} a second, refused meanwhile: {dict(refusals)}")
        return rate

    @property
    def written(self) -> int:
        """Writes that were acknowledged, of all clients."""
        return sum(client.done for client in self._everybody)

    @property
    def _everybody(self) -> Sequence[Client]:
        return [client for clients in self.clients.values() for client in clients]

    async def check_reminders(self, when: str) -> str:
        """Each that had to come has come, once, to the device and into the inbox; and none that nobody asked for."""
        certain = {mark for client in self._everybody for mark in client.certain}
        asked = {mark for client in self._everybody for mark in client.due}
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVED_SECONDS_MAX):
                while not certain <= self._sink.keys_by_title().keys():
                    await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(SETTLED_SECONDS)  # What comes a second time may come a moment later.
        keys = self._sink.keys_by_title()
        assert certain <= keys.keys(), f"{when}: {len(certain - keys.keys())} reminders did not come."
        assert keys.keys() <= asked, f"{when}: nobody asked for {keys.keys() - asked}"
        doubled = {title: found for title, found in keys.items() if len(found) > 1}
        assert not doubled, f"{when}: told twice, under two keys: {doubled}"
        assert len({key for found in keys.values() for key in found}) == len(keys), f"{when}: one key for two reminders"
        assert self._sink.records.faults == []
        await self._check_inboxes(Counter(keys.keys()), when)
        return f"{len(keys)} reminders of {len(asked)} asked for, {self._sink.repeats} repeated under their own key"

    async def _check_inboxes(self, reminded: Counter[str], when: str) -> None:
        told = Counter[str]()
        for person, inbox in self.inboxes.items():
            shown = await person.items("/api/notifications")
            told.update(one["title"] for one in shown)
            marked = {one["id"] for one in shown if one["state"] == "read"}
            assert marked == inbox.read, f"{when}: others are read than were marked so."
        assert told == reminded, f"{when}: inbox and device differ: {told - reminded}, {reminded - told}"

    async def check(self, when: str) -> None:
        """The feed tells each write once, in order; the lists show the same, and no increment was lost."""
        for person, clients in self.clients.items():
            memory = Memory()
            await memory.read_on(person)
            compare(clients, memory, when)
            await person.read("/api/tasks", limit=1)
            await compare_with_list(person, clients, memory)
            await compare_with_calendars(person, clients, memory)
            counted = await person.task(clients[0].writes[0].body["id"])
            assert int(counted["description"]) == sum(client.increments for client in clients), when


async def compare_with_calendars(person: Person, clients: Sequence[Client], memory: Memory) -> None:
    """Calendars and their events are shown as far as the log tells of them, and none is missing or too many."""
    calendars = await person.items("/api/calendars")
    assert {one for client in clients for one in client.calendars} <= {one["id"] for one in calendars}
    shown: dict[str, JSON] = {}
    for calendar in calendars:
        assert calendar["version"] == memory.versions[f"calendar-{calendar['id']}"][-1]
        shown |= {one["id"]: one for one in await person.items(f"/api/calendars/{calendar['id']}/events")}
    asked = {one for client in clients for one in client.events}
    assert asked <= shown.keys()
    told = {name for name in memory.versions if name.startswith("appointment-")}
    assert told == {f"appointment-{one}" for one in shown}
    for event_id, event in shown.items():
        assert event["version"] == memory.versions[f"appointment-{event_id}"][-1]

"""What clients have asked for and been told, to hold against what the server remembers."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import httpx

from tests.system.person import JSON, Person, new_id


@dataclass
class Write:
    """One request to change something, recognisable by a mark that stands in its text and nowhere else."""

    mark: str
    method: str
    path: str
    body: JSON
    key: str = field(default_factory=new_id)
    answer: httpx.Response | None = None
    """None: nobody knows whether it has happened."""

    async def send(self, person: Person) -> None:
        """
        Raises:
            httpx.TransportError: the server went away meanwhile.
        """
        answer = await person.client.request(
            self.method, self.path, json=self.body, headers={"Idempotency-Key": self.key}
        )
        assert answer.status_code in (200, 201), f"{self} → {answer.status_code}: {answer.text}"
        self.answer = answer


class Writer:
    """A client that creates, edits and comments, one write after another, until the server goes away.

    What it does follows from its seed alone; only how far it comes does not.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.writes: list[Write] = []
        self._random = random.Random(seed)  # Chosen, so that a failure can be repeated.
        self._numbers = count(1)
        self._tasks: list[str] = []

    @property
    def unknown(self) -> list[Write]:
        return [write for write in self.writes if write.answer is None]

    @property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.answer is not None]

    async def write_until_cut_off(self, person: Person) -> None:
        while True:
            write = self._next()
            self.writes.append(write)
            try:
                await write.send(person)
            except httpx.TransportError:
                return
            self._remember(write)

    async def repeat_unknown(self, person: Person) -> None:
        """Ask again for all of which nobody knows, as a good client does: with the same key."""
        for write in self.unknown:
            await write.send(person)
            self._remember(write)

    def _remember(self, write: Write) -> None:
        """What was acknowledged can be changed later."""
        if write.path == "/api/tasks":
            self._tasks.append(write.body["id"])

    def _mark(self) -> str:
        return f"<{self.name}.{next(self._numbers)}>"

    def _next(self) -> Write:
        mark = self._mark()
        kind = self._random.choices(("create", "edit", "comment"), (3, 4, 2))[0] if self._tasks else "create"
        if kind == "create":
            return Write(mark, "POST", "/api/tasks", {"id": new_id(), "title": mark})
        task = self._random.choice(self._tasks)
        if kind == "edit":
            return Write(mark, "PATCH", f"/api/tasks/{task}", {self._random.choice(("title", "description")): mark})
        return Write(mark, "POST", f"/api/tasks/{task}/comments", {"id": new_id(), "text": mark})


def all_writes(writers: Sequence[Writer]) -> Iterator[Write]:
    for writer in writers:
        yield from writer.writes

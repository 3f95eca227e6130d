"""Several who follow the log from one place read and open what comes next once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from sigdep.kernel.ids import Partition, Position, Positions

T = TypeVar("T")
"""What is read: events, or rows."""

KEPT_SECONDS: Final = 0.5
"""For those who are a little behind. No longer: what is erased must not be told from memory."""

KEPT_MAX: Final = 64

Place = frozenset[tuple[Partition, Position]]
Read = Callable[[Positions], Awaitable[Sequence[T]]]


class Told(NamedTuple, Generic[T]):
    rows: Sequence[T]
    is_of_now: bool
    """Nothing that was there when this was asked is left out, but for what did not fit. Otherwise another had asked
    before."""


class SharedReads(Generic[T]):
    """Reads for those who do not mind to be told less than there is: they ask again from where that ends."""

    def __init__(self, read: Read[T]) -> None:
        self._read = read
        self._begun: dict[Place, asyncio.Future[Sequence[T]]] = {}

    async def after(self, reached: Positions) -> Sequence[T]:
        """What comes next. Empty: there were none when this was asked."""
        return (await self.tell(reached)).rows

    async def tell(self, reached: Positions) -> Told[T]:
        """The same, with how old it may be."""
        place = frozenset(item for item in reached.items() if item[1])
        begun = self._begun.get(place)
        if begun is None:
            return Told(await asyncio.shield(self._begin(place, reached)), is_of_now=True)
        if rows := await asyncio.shield(begun):
            return Told(rows, is_of_now=False)
        # Another has asked before and found nothing, where there may be something by now.
        return Told(await self._read(reached), is_of_now=True)

    def _begin(self, place: Place, reached: Positions) -> "asyncio.Future[Sequence[T]]":
        begun = asyncio.ensure_future(self._read(dict(reached)))
        if len(self._begun) < KEPT_MAX:
            self._begun[place] = begun
            begun.add_done_callback(lambda done: self._keep(place, done))
        return begun

    def _keep(self, place: Place, done: "asyncio.Future[Sequence[T]]") -> None:
        if done.cancelled() or done.exception() is not None or not done.result():
            del self._begun[place]
        else:
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._begun.pop, place, None)

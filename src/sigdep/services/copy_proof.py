"""Proves that what stands at one place is what stands at another: every event, number, answer and key."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from sigdep.kernel.errors import LogDamaged, SigdepError
from sigdep.kernel.ids import Partition, Position
from sigdep.kernel.log_copy import BEFORE_FIRST, ChainEnd, KeySource, LogSource

Ends = Mapping[Partition, ChainEnd]


class CopyDiffers(SigdepError):
    """What stands at the target is not what stands at the source."""


class Progress(Struct, frozen=True, gc=False):
    """How far a step has come with a log."""

    step: Literal["copying", "verifying"]
    log: str
    done: int
    """Events, of `total`."""
    total: int


OnProgress = Callable[[Progress], None]


class Tally(Struct, frozen=True):
    """Two piles of rows with one tally hold the same rows, in whatever order."""

    count: int = 0
    digests: int = 0
    """The sum of the rows' SHA-256, modulo 2^256. It guards against accidents, not against an adversary."""

    def with_rows(self, rows: Sequence[Struct]) -> "Tally":
        added = sum(int.from_bytes(sha256(msgspec.msgpack.encode(row)).digest(), "big") for row in rows)
        return Tally(self.count + len(rows), (self.digests + added) % 2**256)


def events_in(ends: Ends) -> int:
    return sum(end.position for end in ends.values())


async def verify_log(name: str, source: LogSource, target: LogSource, ends: Ends, show: OnProgress) -> None:
    """Recompute the digest of every event and every link from what the target has stored.

    A chain that ends with the same link is the same chain: the link depends on each byte and place of each event.

    Args:
        ends: of the source.

    Raises:
        CopyDiffers: anything is not the same.
    """
    if await target.ends() != ends:
        raise CopyDiffers(f"The log of {name} does not end at the target where it ends at the source.")
    done, total = 0, events_in(ends)
    for partition, end in ends.items():
        place = BEFORE_FIRST
        try:
            async for portion in target.portions(partition, Position(0)):
                for batch in portion:
                    place = place.after(batch)
                    done += len(batch.rows)
                show(Progress("verifying", name, done, total))
        except LogDamaged as error:
            raise CopyDiffers(f"The log of {name} is not at the target what it is at the source: {error}") from error
        if place != end:
            raise CopyDiffers(f"The log of {name}, partition {partition}, has another end than its counter says.")
    if await _tally(source.numbers()) != await _tally(target.numbers()):
        raise CopyDiffers(f"The numbers of {name} are not at the target what they are at the source.")
    if await _tally(source.answers()) != await _tally(target.answers()):
        raise CopyDiffers(f"The kept answers of {name} are not at the target what they are at the source.")


async def verify_keys(source: KeySource, target: KeySource) -> tuple[int, int]:
    """How many keys there are, and how many of them are marks of destroyed ones.

    Raises:
        CopyDiffers: anything is not the same.
    """
    tally = await _tally(target.keys())
    if await source.proof() != await target.proof() or await _tally(source.keys()) != tally:
        raise CopyDiffers("The keys at the target are not those at the source. Name an empty place.")
    destroyed = 0
    async for keys in target.keys():
        destroyed += sum(key.wrapped is None for key in keys)
    return tally.count, destroyed


async def _tally(pages: AsyncIterator[Sequence[Struct]]) -> Tally:
    tally = Tally()
    async for page in pages:
        tally = tally.with_rows(page)
    return tally

"""Copies a whole installation to another place as it is stored, and lets nobody use the copy before it is proven."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from msgspec import Struct

from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.log_copy import BEFORE_FIRST, KeySource, KeyTarget, LogSource, LogTarget, TargetTaken
from sigdep.services.copy_proof import Ends, OnProgress, Progress, events_in, verify_keys, verify_log

StillHeld = Callable[[], Awaitable[None]]
"""Raises Unavailable if somebody else may have written."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An installation that nobody writes while it is open."""

    logs: Mapping[str, LogSource]
    """By context."""
    keys: KeySource
    still_held: StillHeld


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the same logs and keys shall be."""

    logs: Mapping[str, LogTarget]
    keys: KeyTarget
    still_held: StillHeld


class Migrated(Struct, frozen=True, kw_only=True):
    """What the target holds now."""

    events: Mapping[str, int]
    """By context."""
    copied: int
    """Of these, by this call. The others had been copied before."""
    keys: int
    destroyed: int
    """Of the keys."""


async def migrate(source: Source, target: Target, show: OnProgress) -> Migrated:
    """Copy keys and logs, verify all of it, and only then let the target be used.

    Interrupted at any moment, it can be called again with the same places and goes on. Snapshots and read models are
    not copied: services make them anew.

    Raises:
        TargetTaken: the target holds something else, which was not changed.
        CopyDiffers: the copy is not what was copied. It stays a draft.
        LogDamaged: the source is not what was written.
        Unavailable: a database is away, or somebody may have written meanwhile.
    """
    # 1. Is the target empty, or the beginning of this very copy?
    ends = {name: await log.ends() for name, log in source.logs.items()}
    reached = {name: await log.ends() for name, log in target.logs.items()}
    for name, log in source.logs.items():
        await _check_beginning(name, log, ends[name], reached[name])
    # 2. Copy. The keys first: where they do not fit, the rest is of no use.
    await _copy_keys(source.keys, target.keys)
    for name, log in source.logs.items():
        await _copy_log(name, log, target.logs[name], ends[name], reached[name], show)
    # 3. Read everything back.
    for name, log in source.logs.items():
        await verify_log(name, log, target.logs[name], ends[name], show)
    keys, destroyed = await verify_keys(source.keys, target.keys)
    # 4. Let it be used.
    await source.still_held()
    await target.still_held()
    for filled in target.logs.values():
        await filled.finish()
    await target.keys.finish()
    events = {name: events_in(end) for name, end in ends.items()}
    copied = sum(events.values()) - sum(events_in(before) for before in reached.values())
    return Migrated(events=events, copied=copied, keys=keys, destroyed=destroyed)


async def _check_beginning(name: str, source: LogSource, ends: Ends, reached: Ends) -> None:
    """
    Raises:
        TargetTaken: what the target holds is not how the source begins.
    """
    for partition, there in reached.items():
        end = ends.get(partition, BEFORE_FIRST)
        if there.position > end.position or await source.link_at(partition, there.position) != there.link:
            raise TargetTaken(
                f"The target's log of {name} holds what the source does not have. Nothing was changed: name an empty"
                " place."
            )


async def _copy_keys(source: KeySource, target: KeyTarget) -> None:
    proof = await source.proof()
    if await target.proof() not in (None, proof):
        raise TargetTaken(
            "The target's key ring has been made with other secrets. Nothing was changed: name an empty place."
        )
    if await target.begin():
        if proof is not None:
            await target.take_proof(proof)
        async for keys in source.keys():
            await target.take(keys)


async def _copy_log(
    name: str, source: LogSource, target: LogTarget, ends: Ends, reached: Ends, show: OnProgress
) -> None:
    if not await target.begin():
        if reached != ends:
            raise TargetTaken(f"The target's log of {name} is in use. Name an empty place.")
        return  # Interrupted when everything was copied and verified.
    done, total = events_in(reached), events_in(ends)
    for partition, end in ends.items():
        place = reached.get(partition, BEFORE_FIRST)
        async for portion in source.portions(partition, place.position):
            for batch in portion:
                place = place.after(batch)
                done += len(batch.rows)
            await target.take(portion)
            show(Progress("copying", name, done, total))
        if place != end:
            raise LogDamaged(f"The log of {name}, partition {partition}, does not end where its counter says.")
    async for numbers in source.numbers():
        await target.take_numbers(numbers)
    await target.forget_answers()
    async for answers in source.answers():
        await target.take_answers(answers)

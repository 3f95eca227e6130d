"""The contract suite of copying a key ring: every promise of KeySource and KeyTarget in `kernel/log_copy.py`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Protocol

import pytest
from uuid_utils.compat import uuid7

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed, KeyRing
from sigdep.kernel.log_copy import PAGE_ROWS, KeySource, KeyTarget, TargetTaken, WrappedKey
from sigdep.testing.log_copying import pages

CHANGED_US = 1_795_000_000_123_457
"""A moment to the microsecond."""


class KeyPlace(Protocol):
    """Where a key ring can be: the same data, and the same key-encryption key, each time."""

    async def open_ring(self) -> KeyRing: ...

    async def open_source(self) -> KeySource: ...

    async def open_target(self) -> KeyTarget: ...


class KeyCopyContract:
    """A subclass gives `new_place`."""

    @pytest.fixture
    def new_place(self) -> Callable[[], KeyPlace]:
        """Each call gives an empty place."""
        raise NotImplementedError("The subclass says where its key rings are.")

    @pytest.fixture
    async def opened(self) -> AsyncIterator[AsyncExitStack]:
        async with AsyncExitStack() as stack:
            yield stack

    @pytest.fixture
    def empty(self, new_place: Callable[[], KeyPlace]) -> KeyPlace:
        return new_place()

    @pytest.fixture
    async def target(self, empty: KeyPlace, opened: AsyncExitStack) -> KeyTarget:
        target = await empty.open_target()
        opened.push_async_callback(target.close)
        assert await target.begin()
        return target

    @pytest.fixture
    def subject(self) -> SubjectId:
        return SubjectId(uuid7())

    async def test_a_copied_ring_opens_what_was_sealed_and_keeps_what_was_destroyed(
        self, new_place: Callable[[], KeyPlace], target: KeyTarget, empty: KeyPlace, subject: SubjectId
    ) -> None:
        origin, erased = new_place(), SubjectId(uuid7())
        ring = await origin.open_ring()
        sealed = (await ring.obtain(subject)).seal(b"secret", b"where")
        await ring.obtain(erased)
        await ring.destroy(erased)
        await ring.close()
        source = await origin.open_source()
        proof, keys = await source.proof(), await pages(source.keys())
        await source.close()
        assert proof is not None
        await target.take_proof(proof)
        await target.take(keys)
        assert (await target.proof(), await pages(target.keys())) == (proof, keys)
        await target.finish()
        await target.close()
        copy = await empty.open_ring()
        assert (await copy.obtain(subject)).unseal(sealed, b"where") == b"secret"
        with pytest.raises(KeyDestroyed):
            await copy.obtain(erased)
        await copy.close()

    async def test_many_keys_come_in_pages_as_they_were_given(self, target: KeyTarget) -> None:
        keys = [WrappedKey(SubjectId(uuid7()), bytes([n % 256]), CHANGED_US + n) for n in range(PAGE_ROWS + 1)]
        await target.take(keys)
        assert [len(page) async for page in target.keys()] == [PAGE_ROWS, 1]  # noqa: SIM118  It is no dict.
        assert set(await pages(target.keys())) == set(keys)

    async def test_the_same_keys_are_taken_twice_without_harm(self, target: KeyTarget, subject: SubjectId) -> None:
        keys = [WrappedKey(subject, b"key", CHANGED_US), WrappedKey(SubjectId(uuid7()), None, CHANGED_US)]
        for _ in range(2):
            await target.take(keys)
        assert set(await pages(target.keys())) == set(keys)

    async def test_a_key_that_was_destroyed_meanwhile_is_destroyed(self, target: KeyTarget, subject: SubjectId) -> None:
        await target.take([WrappedKey(subject, b"key", CHANGED_US)])
        await target.take([WrappedKey(subject, None, CHANGED_US + 1)])
        assert await pages(target.keys()) == [WrappedKey(subject, None, CHANGED_US + 1)]

    @pytest.mark.parametrize("there, comes", [(None, b"key"), (b"key", b"another")])
    async def test_a_destroyed_or_another_key_is_never_replaced(
        self, target: KeyTarget, subject: SubjectId, there: bytes | None, comes: bytes
    ) -> None:
        await target.take([WrappedKey(subject, there, CHANGED_US)])
        with pytest.raises(TargetTaken):
            await target.take([WrappedKey(SubjectId(uuid7()), b"new", 1), WrappedKey(subject, comes, CHANGED_US)])
        assert await pages(target.keys()) == [WrappedKey(subject, there, CHANGED_US)]

    async def test_another_proof_is_refused(self, target: KeyTarget) -> None:
        assert await target.proof() is None
        for _ in range(2):
            await target.take_proof(b"proof")
        with pytest.raises(TargetTaken, match="other secrets"):
            await target.take_proof(b"another")
        assert await target.proof() == b"proof"

    async def test_no_ring_opens_a_draft(self, target: KeyTarget, empty: KeyPlace) -> None:
        await target.close()
        for opening in (empty.open_ring, empty.open_source):
            with pytest.raises(Unavailable, match="interrupted"):
                await opening()
        again = await empty.open_target()
        assert await again.begin()
        for _ in range(2):
            await again.finish()
        await again.close()
        await (await empty.open_ring()).close()

    async def test_a_whole_ring_is_not_begun_again(self, empty: KeyPlace, subject: SubjectId) -> None:
        ring = await empty.open_ring()
        await ring.obtain(subject)
        await ring.close()
        target = await empty.open_target()
        assert not await target.begin()
        await target.close()
        await (await empty.open_ring()).close()

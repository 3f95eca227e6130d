"""The contract suite of the key ring: every promise of `kernel/keys.py`, for every adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from uuid_utils.compat import uuid7

from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed, KeyRing

OpenRing = Callable[[], Awaitable[KeyRing]]


class KeyRingContract:
    """A subclass gives `open_ring`, which opens a ring on the same data each time."""

    @pytest.fixture
    def open_ring(self) -> OpenRing:
        raise NotImplementedError("The subclass says how its ring is opened.")

    @pytest.fixture
    async def ring(self, open_ring: OpenRing) -> AsyncIterator[KeyRing]:
        ring = await open_ring()
        yield ring
        await ring.close()

    @pytest.fixture
    def subject(self) -> SubjectId:
        return SubjectId(uuid7())

    async def test_what_a_subject_s_key_seals_it_unseals(self, ring: KeyRing, subject: SubjectId) -> None:
        key = await ring.obtain(subject)
        for plaintext in (b"", b"a long secret", bytes(100_000)):
            sealed = key.seal(plaintext, b"where")
            assert plaintext not in sealed or not plaintext
            assert key.unseal(sealed, b"where") == plaintext

    async def test_the_same_text_is_never_sealed_the_same_twice(self, ring: KeyRing, subject: SubjectId) -> None:
        key = await ring.obtain(subject)
        assert len({key.seal(b"a", b"where") for _ in range(100)}) == 100

    async def test_changed_bytes_are_noticed(self, ring: KeyRing, subject: SubjectId) -> None:
        key = await ring.obtain(subject)
        sealed = key.seal(b"secret", b"where")
        flipped = [sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :] for index in range(len(sealed))]
        for changed in (*flipped, b"", sealed[:-1], sealed + b"0"):
            with pytest.raises(LogDamaged):
                key.unseal(changed, b"where")
        with pytest.raises(LogDamaged):
            key.unseal(sealed, b"elsewhere")

    async def test_a_key_outlives_its_ring(self, open_ring: OpenRing, ring: KeyRing, subject: SubjectId) -> None:
        sealed = (await ring.obtain(subject)).seal(b"secret", b"")
        await ring.close()
        again = await open_ring()
        assert (await again.obtain(subject)).unseal(sealed, b"") == b"secret"
        assert (await again.find([subject]))[subject].unseal(sealed, b"") == b"secret"
        await again.close()

    async def test_subjects_have_different_keys(self, ring: KeyRing, subject: SubjectId) -> None:
        sealed = (await ring.obtain(subject)).seal(b"secret", b"")
        with pytest.raises(LogDamaged):
            (await ring.obtain(SubjectId(uuid7()))).unseal(sealed, b"")

    async def test_all_who_ask_at_once_get_the_same_key(self, open_ring: OpenRing, ring: KeyRing) -> None:
        other = await open_ring()
        subjects = [SubjectId(uuid7()) for _ in range(300)]
        keys = await asyncio.gather(*(one.obtain(subject) for subject in subjects for one in (ring, other, ring)))
        for first in range(0, len(keys), 3):
            sealed = keys[first].seal(b"secret", b"")
            assert {key.unseal(sealed, b"") for key in keys[first : first + 3]} == {b"secret"}
        await other.close()

    async def test_only_existing_keys_are_found(self, ring: KeyRing, subject: SubjectId) -> None:
        await ring.obtain(subject)
        unknown = SubjectId(uuid7())
        assert set(await ring.find([subject, unknown])) == {subject}
        assert await ring.find([]) == {}

    async def test_a_destroyed_key_is_gone_for_ever(
        self, open_ring: OpenRing, ring: KeyRing, subject: SubjectId
    ) -> None:
        await ring.obtain(subject)
        for _ in range(2):
            await ring.destroy(subject)
            assert await ring.find([subject]) == {}
            with pytest.raises(KeyDestroyed):
                await ring.obtain(subject)
        again = await open_ring()
        assert await again.find([subject]) == {}
        with pytest.raises(KeyDestroyed):
            await again.obtain(subject)
        await again.close()

    async def test_a_key_that_was_never_made_can_be_destroyed(self, ring: KeyRing, subject: SubjectId) -> None:
        await ring.destroy(subject)
        with pytest.raises(KeyDestroyed):
            await ring.obtain(subject)

    async def test_the_others_keep_theirs(self, ring: KeyRing, subject: SubjectId) -> None:
        other = SubjectId(uuid7())
        sealed = (await ring.obtain(other)).seal(b"secret", b"")
        await ring.destroy(subject)
        assert (await ring.obtain(other)).unseal(sealed, b"") == b"secret"

    async def test_closing_twice_is_harmless(self, ring: KeyRing) -> None:
        await ring.close()
        await ring.close()

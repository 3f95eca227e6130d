"""A key ring in memory, with real keys: for tests, and for data that may die with the process."""

from collections.abc import Collection, Mapping
from os import urandom

from sigdep.adapters.sealing import KEY_BYTES, AesGcmKey
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed


class MemoryKeyRing:
    """Keys that nobody else has, and that end with it."""

    def __init__(self) -> None:
        self._keys: dict[SubjectId, AesGcmKey | None] = {}

    async def obtain(self, subject: SubjectId) -> AesGcmKey:
        if subject not in self._keys:
            self._keys[subject] = AesGcmKey(urandom(KEY_BYTES))
        key = self._keys[subject]
        if key is None:
            raise KeyDestroyed(f"{subject} has been erased.")
        return key

    async def find(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, AesGcmKey]:
        return {subject: key for subject in subjects if (key := self._keys.get(subject)) is not None}

    async def destroy(self, subject: SubjectId) -> None:
        self._keys[subject] = None

    async def close(self) -> None:
        """Nothing to let go of."""

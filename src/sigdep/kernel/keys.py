"""The port of the key ring: one key per person and per workspace, kept apart from the log."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import SubjectId


class KeyDestroyed(SigdepError):
    """The subject has been erased: nothing can be sealed for it any more."""


class SealingKey(Protocol):
    """One subject's key, in memory."""

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate. `context` is bound to the result, not stored in it."""
        ...

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """The plaintext.

        Raises:
            LogDamaged: the bytes or the context are not those that were sealed.
        """
        ...


class KeyRing(Protocol):
    """Makes, finds and destroys keys. A key found may be cached for at most 60 seconds."""

    async def obtain(self, subject: SubjectId) -> SealingKey:
        """The subject's key, made and stored durably on first use. Safe to race.

        Raises:
            KeyDestroyed: it has been destroyed.
        """
        ...

    async def find(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, SealingKey]:
        """The keys that exist. A subject that is missing has been erased."""
        ...

    async def destroy(self, subject: SubjectId) -> None:
        """Forget the key for ever, in every copy that this ring controls. Safe to repeat."""
        ...

    async def close(self) -> None: ...

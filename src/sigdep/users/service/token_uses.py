"""When each personal access token was last used: to the minute, and no event, because nothing depends on it.

Kept in the read store under a name of its own, without a checkpoint: no rebuild touches it, and none could make it.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.kernel.read_store import Changes, Column, Compare, Index, ModelId, ReadStore, Row, Table
from sigdep.users.events.people import TokenId

USES: Final = Table(
    name="token_uses",
    columns=(Column("token_id", "uuid"), Column("user_id", "uuid"), Column("used_at", "instant")),
    key=("token_id",),
    indexes=(Index(("user_id",)),),
)

MODEL: Final = "token_uses"
SHAPE: Final = "1"

PRECISION_SECONDS: Final = 60.0
"""A token that is used all the time is written down once in so long."""

NOTED_MAX: Final = 10_000
"""Tokens whose last use is remembered here. Past it, the one that was written down longest ago is forgotten."""


class TokenUses:
    def __init__(self, store: ReadStore) -> None:
        self._store = store
        self._noted: dict[TokenId, float] = {}
        """When each was last noted, in seconds since 1970, in that order."""
        self._unsaved: dict[TokenId, Row] = {}

    def note(self, token_id: TokenId, user_id: UserId, now: float) -> None:
        """
        Args:
            now: seconds since 1970.
        """
        if now - self._noted.get(token_id, 0.0) < PRECISION_SECONDS:
            return
        self._noted.pop(token_id, None)
        self._noted[token_id] = now
        used_at = datetime.fromtimestamp(now, UTC)
        self._unsaved[token_id] = {"token_id": token_id, "user_id": user_id, "used_at": used_at}
        if len(self._noted) > NOTED_MAX:
            oldest = next(iter(self._noted))
            del self._noted[oldest]

    async def save(self) -> None:
        """Write down what has been noted. To be called about once a minute, and before the process ends."""
        if not self._unsaved:
            return
        unsaved, self._unsaved = self._unsaved, {}
        try:
            await self._commit(Changes((), (), [(USES, row) for row in unsaved.values()]))
        except BaseException:
            self._unsaved = unsaved | self._unsaved
            raise

    async def last_used(self, token_ids: Collection[TokenId]) -> Mapping[TokenId, datetime]:
        rows = await self._store.get_many(await self._ready(), USES, [(token_id,) for token_id in token_ids])
        known = [*rows.values(), *(self._unsaved[one] for one in token_ids if one in self._unsaved)]
        return {row["token_id"]: row["used_at"] for row in known}  # type: ignore[misc]  # By their columns' kinds.

    async def forget(self, user_id: UserId) -> None:
        """They have been erased."""
        for token_id in [one for one, row in self._unsaved.items() if row["user_id"] == user_id]:
            del self._unsaved[token_id]
        await self._commit(Changes([(USES, Compare("user_id", "=", user_id))], (), ()))

    async def _commit(self, changes: Changes) -> None:
        await self._store.commit(await self._ready(), changes, before={}, after={})

    async def _ready(self) -> ModelId:
        """Looked up each time: where several processes start at once, the one that comes last makes the live build."""
        model = await self._store.live(MODEL, [USES], SHAPE)
        if model is None:
            model = await self._store.prepare(MODEL, [USES], SHAPE)
            await self._store.switch(model, [USES])
        return model

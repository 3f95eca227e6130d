"""What the reading side does when its own context has spoken."""

from typing import Final

import msgspec

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import UserErased
from sigdep.users.service.token_uses import TokenUses

USER_ERASED: Final = "sigdep.users.UserErased"


class TokenUsesReactions:
    """Forgets when an erased person's tokens were used: no rebuild would, since no event ever said it."""

    types: Final = frozenset((USER_ERASED,))

    def __init__(self, uses: TokenUses) -> None:
        self._uses = uses

    async def react(self, event: CloudEvent) -> None:
        await self._uses.forget(msgspec.convert(event.data, UserErased, from_attributes=True).user_id)

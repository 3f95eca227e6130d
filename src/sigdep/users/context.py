"""The menu of this context: everything that it offers, and what opens it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventStore
from sigdep.users.api import routes
from sigdep.users.credentials.opaque import Opaque
from sigdep.users.credentials.passwords import Passwords
from sigdep.users.credentials.signing import LIFETIME_SECONDS_MAX, AccessTokens, SigningKeys
from sigdep.users.domain.email import email
from sigdep.users.domain.realm import REALM
from sigdep.users.domain.session import session
from sigdep.users.domain.token import token
from sigdep.users.domain.user import user
from sigdep.users.domain.workspace import workspace
from sigdep.users.events import EVENTS
from sigdep.users.identity import UsersIdentities
from sigdep.users.publishing import publish
from sigdep.users.read_models.model import UsersReadModel
from sigdep.users.service.erasure import Erasures
from sigdep.users.service.past_erasures import destroy_keys_again
from sigdep.users.service.read import UsersRead
from sigdep.users.service.reading import Progress, Reads
from sigdep.users.service.roll import MemberRoll
from sigdep.users.service.surroundings import Rules, Surroundings
from sigdep.users.service.token_uses import TokenUses
from sigdep.users.service.write import UsersWrite

__all__ = ["DECIDERS", "EVENTS", "REALM", "UsersContext", "destroy_keys_again", "open_users", "publish", "read_model"]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (user, email, workspace, session, token)


def read_model() -> UsersReadModel:
    return UsersReadModel()


@dataclass(frozen=True, kw_only=True)
class UsersContext:
    """The context at work."""

    write: UsersWrite
    read: UsersRead
    identities: UsersIdentities
    members: MemberRoll
    """Tells other contexts who belongs to a workspace."""
    erasures: Erasures
    """To be run every minute or so."""
    token_uses: TokenUses
    """To be saved every minute or so, and at the end."""
    routes: Sequence[Route]
    passwords: Passwords

    async def close(self) -> None:
        """Write down what is noted, and let go of the threads. The stores are not ours to close."""
        await self.token_uses.save()
        self.passwords.close()


def open_users(
    *,
    log: EventStore,
    views: ReadStore,
    progress: Progress,
    keys: KeyRing,
    token_key: bytes,
    signing_keys: Sequence[bytes],
    issuer: str,
    now: Callable[[], float],
    alone: bool,
    access_token_seconds: int = LIFETIME_SECONDS_MAX,
    erase_grace: timedelta = Rules.erase_grace,
    limits: bool = True,
    passwords: Passwords | None = None,
) -> UsersContext:
    """
    Args:
        progress: the projector of this context's read model.
        token_key: at least 32 bytes, to derive secrets and ids from. Never to be lost or changed.
        signing_keys: PEM; the first signs, all verify.
        issuer: the public URL of this server.
        now: seconds since 1970.
        alone: no other process writes to this log.
        limits: guesses of passwords are limited.
    """
    public_keys = SigningKeys(*signing_keys)
    access_tokens = AccessTokens(public_keys, issuer=issuer, lifetime_seconds=access_token_seconds)
    reads, uses = Reads(log, views, progress), TokenUses(views)
    around = Surroundings(
        log,
        keys=keys,
        reads=reads,
        opaque=Opaque(token_key),
        passwords=passwords or Passwords(),
        access_tokens=access_tokens,
        rules=Rules(erase_grace=erase_grace, throttled=limits),
        alone=alone,
    )
    write, read = UsersWrite(around), UsersRead(reads, keys=public_keys, uses=uses)
    return UsersContext(
        write=write,
        read=read,
        identities=UsersIdentities(reads, access_tokens, uses, now=now),
        members=MemberRoll(around),
        erasures=Erasures(around, uses),
        token_uses=uses,
        routes=routes(write, read),
        passwords=around.passwords,
    )

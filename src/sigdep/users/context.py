"""The menu of this context: everything that it offers, and what opens it.

Routes are loaded by whoever asks for them: the services behind the gateway start sooner without.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from sigdep.http.routes import Route
from sigdep.kernel.decider import Decider
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, EventStore
from sigdep.reading.progress import Progress
from sigdep.rpc.call import Service
from sigdep.users.credentials.opaque import Opaque
from sigdep.users.credentials.passwords import Passwords
from sigdep.users.credentials.signing import LIFETIME_SECONDS_MAX, AccessTokens, SigningKeys
from sigdep.users.domain.email import email
from sigdep.users.domain.realm import REALM
from sigdep.users.domain.session import session
from sigdep.users.domain.token import token
from sigdep.users.domain.user import user
from sigdep.users.domain.workspace import workspace
from sigdep.users.events.stored import EVENTS
from sigdep.users.identity import UsersIdentities
from sigdep.users.publishing import TOLD, publish
from sigdep.users.reactions import TokenUsesReactions
from sigdep.users.read_models.model import UsersReadModel
from sigdep.users.revoking import suspects
from sigdep.users.service.doubts import Doubts
from sigdep.users.service.erasure import Erasures
from sigdep.users.service.past_erasures import destroy_keys_again
from sigdep.users.service.read import UsersRead
from sigdep.users.service.reading import Reads
from sigdep.users.service.roll import MemberRoll
from sigdep.users.service.surroundings import Rules, Surroundings
from sigdep.users.service.token_uses import TokenUses
from sigdep.users.service.write import UsersWrite

__all__ = [
    "DECIDERS",
    "EVENTS",
    "REALM",
    "TOLD",
    "UsersContext",
    "destroy_keys_again",
    "open_read",
    "open_users",
    "open_write",
    "publish",
    "read_model",
    "routes",
    "suspects",
]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (user, email, workspace, session, token)


def read_model() -> UsersReadModel:
    return UsersReadModel()


@dataclass(frozen=True, kw_only=True)
class UsersWriteSide:
    """Commands, and the jobs that belong to them."""

    write: UsersWrite
    members: MemberRoll
    """Tells other contexts who belongs to a workspace."""
    erasures: Erasures
    """To be run every minute or so."""
    passwords: Passwords

    def close(self) -> None:
        """Let go of the threads. The stores are not ours to close."""
        self.passwords.close()


@dataclass(frozen=True, kw_only=True)
class UsersReadSide:
    """Queries, and who is asking."""

    read: UsersRead
    identities: UsersIdentities
    token_uses: TokenUses
    """To be saved every minute or so, and at the end."""
    reactions: TokenUsesReactions
    """To what this context publishes, where the writing side is another process."""


@dataclass(frozen=True, kw_only=True)
class UsersContext:
    """Both sides at work in one process."""

    writing: UsersWriteSide
    reading: UsersReadSide
    routes: Sequence[Route]

    async def close(self) -> None:
        """Write down what is noted, and let go of the threads. The stores are not ours to close."""
        await self.reading.token_uses.save()
        self.writing.close()


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
    """Both sides in one process.

    Args:
        progress: the projector of this context's read model.
        token_key: at least 32 bytes, to derive secrets and ids from. Never to be lost or changed.
        signing_keys: PEM; the first signs, all verify.
        issuer: the public URL of this server.
        now: seconds since 1970.
        alone: no other process writes to this log.
        limits: guesses of passwords are limited.
    """
    uses = TokenUses(views)
    writing = open_write(
        log=log,
        views=views,
        progress=progress,
        keys=keys,
        token_key=token_key,
        signing_keys=signing_keys,
        issuer=issuer,
        alone=alone,
        access_token_seconds=access_token_seconds,
        erase_grace=erase_grace,
        limits=limits,
        passwords=passwords,
        uses=uses,
    )
    reading = open_read(
        log=log, views=views, progress=progress, signing_keys=signing_keys, issuer=issuer, now=now, uses=uses
    )
    return UsersContext(writing=writing, reading=reading, routes=routes(writing.write, reading.read))


def open_write(
    *,
    log: EventStore,
    views: ReadStore,
    progress: Progress,
    keys: KeyRing,
    token_key: bytes,
    signing_keys: Sequence[bytes],
    issuer: str,
    alone: bool,
    access_token_seconds: int = LIFETIME_SECONDS_MAX,
    erase_grace: timedelta = Rules.erase_grace,
    limits: bool = True,
    passwords: Passwords | None = None,
    uses: TokenUses | None = None,
) -> UsersWriteSide:
    """The writing side. The arguments are those of `open_users`.

    Args:
        views: where a read model of its own is kept, for what deciding must look up: no other service's tables.
        progress: the projector of that one.
    """
    access_tokens = AccessTokens(SigningKeys(*signing_keys), issuer=issuer, lifetime_seconds=access_token_seconds)
    around = Surroundings(
        log,
        keys=keys,
        reads=Reads(log, views, progress),
        opaque=Opaque(token_key),
        passwords=passwords or Passwords(),
        access_tokens=access_tokens,
        rules=Rules(erase_grace=erase_grace, throttled=limits),
        alone=alone,
    )
    return UsersWriteSide(
        write=UsersWrite(around),
        members=MemberRoll(around),
        erasures=Erasures(around, uses or TokenUses(views)),
        passwords=around.passwords,
    )


def open_read(
    *,
    log: EventLog,
    views: ReadStore,
    progress: Progress,
    signing_keys: Sequence[bytes],
    issuer: str,
    now: Callable[[], float],
    uses: TokenUses | None = None,
) -> UsersReadSide:
    """The reading side. The arguments are those of `open_users`.

    Args:
        log: as the writing side offers it.
    """
    public_keys, reads, uses = SigningKeys(*signing_keys), Reads(log, views, progress), uses or TokenUses(views)
    doubts = Doubts(reads, suspects, steady=monotonic)
    identities = UsersIdentities(reads, AccessTokens(public_keys, issuer=issuer), uses, doubts, now=now)
    return UsersReadSide(
        read=UsersRead(reads, keys=public_keys, uses=uses, identities=identities, doubts=doubts),
        identities=identities,
        token_uses=uses,
        reactions=TokenUsesReactions(uses),
    )


def routes(write: Service, read: Service) -> Sequence[Route]:
    """What the gateway offers of this context, wherever its services run."""
    from sigdep.users.api import routes as all_routes  # noqa: PLC0415

    return all_routes(write, read)

"""Who presents a bearer credential: the port `http/identity.py`, answered from the read model.

A credential that was good a moment ago costs one look into a table. Whether it is still good, and
which roles it stands for, is asked again when half a second has passed and something has happened
to people, workspaces or this person's credentials since. Whether something has, the log says and
not the read model alone, which may be behind.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.http.revocations import Forgotten, Suspects
from sigdep.kernel.ids import Partition, Position, partition_of
from sigdep.kernel.read_store import Compare, Row, Select
from sigdep.rpc.call import Principal
from sigdep.users.credentials.opaque import fingerprint, is_access_token
from sigdep.users.credentials.signing import AccessTokens, NotOurToken
from sigdep.users.domain.realm import REALM
from sigdep.users.events.people import TokenId
from sigdep.users.read_models.credentials import SESSIONS, TOKENS
from sigdep.users.read_models.people import PEOPLE
from sigdep.users.service.doubts import Doubts
from sigdep.users.service.reading import Reads
from sigdep.users.service.surroundings import partition_for
from sigdep.users.service.token_uses import TokenUses

KNOWN_MAX: Final = 4_096
"""Credentials that are remembered, the last used ones."""

JOINED_SECONDS: Final = 0.1
"""So long after somebody began to look, others may go by what that one finds: with half a second and what a gateway
remembers it stays within the second."""

VERIFIED_SECONDS: Final = 60.0
"""After so long a signature is verified again."""

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_NOBODY: Final = (0.0, None)
_REALM_PARTITION: Final = partition_of(REALM)


class Credential(Struct, frozen=True):
    """What a bearer credential says of itself, once it has been verified or found."""

    kind: Literal["session", "token"]
    id: UUID
    user_id: UserId
    expires: float
    """Seconds since 1970."""
    scopes: frozenset[str] | None


@dataclass(slots=True)
class Known:
    """A credential that was good when it was last looked at."""

    credential: Credential
    principal: Principal
    trusted_until: float
    """Monotonic seconds; never later than the credential expires."""
    verified_until: float
    """Monotonic seconds."""
    seen: tuple[Position, Position]
    """How far the read model had come with all people, and with this person's credentials."""
    read_at: float
    """Monotonic seconds, from before it was read."""


class UsersIdentities:
    """Failures are never remembered: a flood of made-up credentials pushes no good one out."""

    def __init__(
        self,
        reads: Reads,
        access_tokens: AccessTokens,
        uses: TokenUses,
        doubts: Doubts,
        *,
        now: Callable[[], float],
        steady: Callable[[], float] = monotonic,
    ) -> None:
        """
        Args:
            now: seconds since 1970, to compare with what stands in a credential.
            steady: seconds that only ever go forward, to tell how old a memory is.
        """
        self._reads = reads
        self._access_tokens = access_tokens
        self._uses = uses
        self._doubts = doubts
        self._now = now
        self._steady = steady
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._asking: dict[str, tuple[float, asyncio.Task[Principal]]] = {}
        self._forgotten = Forgotten()

    def forget(self, suspects: Suspects) -> None:
        """What was read of them until now is not believed any more. The read model must be past what has changed."""
        self._forgotten.forget(suspects, self._steady())

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        if not fresh:
            known = self._known.get(bearer)
            if known is not None and self._steady() < known.trusted_until and self._believes(known):
                self._known.move_to_end(bearer)
                return known.principal
        return await self._ask_once(bearer, fresh)

    def _believes(self, known: Known) -> bool:
        return self._forgotten.believes(known.credential.user_id, known.read_at)

    async def _ask_once(self, bearer: str, fresh: bool) -> Principal:
        """Many requests may come with one credential at once: one of them looks, and all hear what it found."""
        if fresh:
            return await self._ask(bearer, fresh=True)
        arrived, (begun, asking) = self._steady(), self._asking.get(bearer, _NOBODY)
        if asking is not None and arrived > begun + JOINED_SECONDS:
            await asyncio.wait([asking])  # It has looked too long ago; but one at a time is enough.
            begun, asking = self._asking.get(bearer, _NOBODY)
        if asking is None or asking.done() or not self._forgotten.believes_all(begun):
            asking = asyncio.create_task(self._ask(bearer, fresh=False))
            self._asking[bearer] = self._steady(), asking
            asking.add_done_callback(lambda done: self._asked(bearer, done))
        return await asyncio.shield(asking)

    def _asked(self, bearer: str, done: "asyncio.Task[Principal]") -> None:
        if self._asking.get(bearer, _NOBODY)[1] is done:
            del self._asking[bearer]
        if not done.cancelled():
            done.exception()  # Somebody may have been waiting for it, or nobody any more.

    async def _ask(self, bearer: str, *, fresh: bool) -> Principal:
        known = self._known.get(bearer)
        if known is not None and not fresh:
            until = await self._doubts.confirmed()
            if self._nothing_happened(known):
                self._trust(known, until)
                self._note_use(known.credential)
                return known.principal
        if fresh:
            await self._reads.wait_until_caught_up()
            await self._doubts.anew()
        found = await self._look(bearer, known)
        if found is None and not fresh:
            # It may have been made a moment ago.
            await self._reads.wait_until_caught_up()
            found = await self._look(bearer, known)
        if found is None:
            self._known.pop(bearer, None)
            raise NotOurToken
        self._remember(bearer, found)
        self._note_use(found.credential)
        return found.principal

    def _nothing_happened(self, known: Known) -> bool:
        return (
            self._believes(known)
            and self._steady() < known.verified_until
            and self._now() < known.credential.expires
            and self._seen(known.credential.user_id) == known.seen
            and not self._doubts.touch(known.principal)
        )

    def _seen(self, user_id: UserId) -> tuple[Position, Position]:
        positions = self._reads.progress.positions
        own: Partition = partition_of(partition_for(user_id))
        return positions.get(_REALM_PARTITION, Position(0)), positions.get(own, Position(0))

    async def _look(self, bearer: str, known: Known | None) -> Known | None:
        """Verify the credential and read what it stands for. None: it is no good, or not yet to be seen.

        Raises:
            Unauthenticated: it is no good, whatever the read model says.
            Unavailable: the read model does not show what the log says of this person.
        """
        if known is not None and known.credential.kind == "session" and self._steady() < known.verified_until:
            credential: Credential | None = known.credential
            verified_until = known.verified_until
        else:
            credential = await self._credential(bearer)
            verified_until = self._steady() + VERIFIED_SECONDS
        if credential is None:
            return None
        if self._now() >= credential.expires:
            raise NotOurToken
        until = await self._doubts.dispelled(credential.user_id)
        # Before reading: what comes meanwhile is looked at next time.
        seen, read_at = self._seen(credential.user_id), self._steady()
        principal = await self._principal(credential)
        if principal is None:
            return None
        found = Known(credential, principal, 0.0, verified_until, seen, read_at)
        self._trust(found, until)
        return found

    async def _credential(self, bearer: str) -> Credential | None:
        if not bearer.startswith("sigdep_"):
            claims = self._access_tokens.verify(bearer, now=self._now())
            return Credential("session", claims.session_id, claims.user_id, claims.expires, None)
        if not is_access_token(bearer):
            raise NotOurToken
        found = await self._reads.select(
            Select(table=TOKENS, where=Compare("sha256", "=", fingerprint(bearer)), limit=1)
        )
        return _token_credential(found.rows[0]) if found.rows else None

    async def _principal(self, credential: Credential) -> Principal | None:
        """Who it is, if the credential is good and its person exists."""
        person = await self._reads.get(PEOPLE, (credential.user_id,))
        if person is None or (credential.kind == "session" and not await self._is_open(credential, person)):
            return None
        return Principal(
            user_id=credential.user_id,
            personal_workspace_id=WorkspaceId(person["personal_workspace_id"]),  # type: ignore[arg-type]
            roles=await self._roles_of(credential.user_id),
            credential=credential.kind,
            credential_id=credential.id,
            scopes=credential.scopes,
            time_zone=str(person["time_zone"] or "UTC"),
        )

    async def _roles_of(self, user: UserId) -> Mapping[WorkspaceId, Role]:
        roles = await self._reads.roles_of(user)
        return {place: role for place, role in roles.items() if not self._doubts.deny(user, place)}

    async def _is_open(self, credential: Credential, person: Row) -> bool:
        """Whether the session has neither ended nor been outlived by a changed password."""
        session = await self._reads.get(SESSIONS, (credential.id,))
        if session is None or session["user_id"] != credential.user_id:
            return False
        admitted = session["password_number"] == person["password_number"]
        return admitted or credential.id == person["kept_session_id"]

    def _trust(self, known: Known, until: float) -> None:
        left = known.credential.expires - self._now()
        known.trusted_until = min(until, self._steady() + left)

    def _remember(self, bearer: str, found: Known) -> None:
        self._known[bearer] = found
        self._known.move_to_end(bearer)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _note_use(self, credential: Credential) -> None:
        if credential.kind == "token":
            self._uses.note(TokenId(credential.id), credential.user_id, self._now())


def _token_credential(row: Row) -> Credential:
    expires_at, scopes = row["expires_at"], row["scopes"]
    expires = expires_at if isinstance(expires_at, datetime) else _NEVER
    return Credential("token", row["token_id"], row["user_id"], expires.timestamp(), scopes)  # type: ignore[arg-type]

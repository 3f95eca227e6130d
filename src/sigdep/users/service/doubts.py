"""Whom the rows are not to be believed about: the log says more of these than the rows show."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.http.revocations import Suspects
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, StreamId, Version
from sigdep.kernel.projection import PARKED
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Select
from sigdep.kernel.store import READ_EVENTS_MAX, RecordedEvent
from sigdep.rpc.call import Principal
from sigdep.users.events.workspaces import WorkspaceEvent
from sigdep.users.service.confirming import Confirmation
from sigdep.users.service.reading import Reads

DOUBTED_USERS_MAX: Final = 4_096
"""Told apart. Past it everybody is doubted, until the rows have come there."""

ATTEMPTS_MAX: Final = 3
"""How often the rows are waited for while ever more happens to somebody."""

_NOTHING: Final = Position(0)
_EVERYBODY: Final = None


@dataclass(slots=True)
class Aside:
    """A stream that the projector has set aside: the rows show nothing of it from some event on."""

    workspace: WorkspaceId | None = None
    """Whose it is, where nothing but roles in one workspace may be wrong."""
    users: set[UserId | None] = field(default_factory=set)
    """Whom its events make suspect. None among them: everybody."""

    def add(self, recorded: RecordedEvent, suspects: Suspects) -> None:
        self.users.update((_EVERYBODY,) if suspects is None else suspects)
        if isinstance(recorded.event, WorkspaceEvent):
            self.workspace = recorded.event.workspace_id

    def doubts(self, user: UserId) -> bool:
        return user in self.users or _EVERYBODY in self.users


class Doubts:
    """Asks the log, for all requests together, what the rows do not show yet. See decision 0028."""

    def __init__(
        self, reads: Reads, suspects: Callable[[Sequence[RecordedEvent]], Suspects], *, steady: Callable[[], float]
    ) -> None:
        """
        Args:
            suspects: whose roles or credentials events may have changed.
            steady: seconds that only ever go forward.
        """
        self._reads = reads
        self._suspects = suspects
        self._confirmation = Confirmation(self._read_on, steady=steady)
        self._read_to: Positions = {}
        self._unshown: dict[UserId | None, dict[Partition, Position]] = {}
        """Where the log says something of a user that the rows may not show. None: of everybody."""
        self._aside: dict[StreamId, Aside] = {}
        self._reading = asyncio.Lock()

    async def confirmed(self) -> float:
        """Until when the rows may be believed of whomever is not doubted, in monotonic seconds.

        Raises:
            Unavailable: of nobody any more, since the log has not answered for too long.
        """
        return await self._confirmation.until()

    async def anew(self) -> None:
        """Ask the log now.

        Raises:
            Unavailable: it gives no answer.
        """
        await self._confirmation.anew()

    def about(self, user: UserId) -> bool:
        """Whether the log says more of a user than the rows show."""
        return user in self._unshown or _EVERYBODY in self._unshown or self._is_refused(user)

    def touch(self, principal: Principal) -> bool:
        """Whether anything of this may not be true any more."""
        user = principal.user_id
        return self.about(user) or (bool(self._aside) and any(self.deny(user, place) for place in principal.roles))

    def deny(self, user: UserId, workspace: WorkspaceId) -> bool:
        """Whether a role may be another or none, for what has been set aside."""
        return any(aside.workspace == workspace and aside.doubts(user) for aside in self._aside.values())

    async def dispelled(self, user: UserId) -> float:
        """Until when the rows may be believed of this user. Waits until they show what the log says.

        Raises:
            Unavailable: they do not within the time that a client waits.
        """
        for _ in range(ATTEMPTS_MAX):
            until = await self.confirmed()
            if not self.about(user):
                return until
            await self._shown(user)
        raise Unavailable("Too much happens to this user at once. Please try again.", retry_after_seconds=1.0)

    async def _shown(self, user: UserId) -> None:
        if self._is_refused(user):
            raise Unavailable("What has last happened to this user cannot be read at present.", retry_after_seconds=5.0)
        waited = {known: dict(self._unshown[known]) for known in (user, _EVERYBODY) if known in self._unshown}
        places = [place for places in waited.values() for place in places.items()]
        await asyncio.gather(*(self._reads.progress.wait_for(*place) for place in places))
        async with self._reading:
            await self._find_aside()  # The rows may have passed it over.
        for known, these in waited.items():
            self._forget(known, these)

    def _is_refused(self, user: UserId) -> bool:
        return any(aside.workspace is None and aside.doubts(user) for aside in self._aside.values())

    # ── what the log says ─────────────────────────────────────────────────────────────────────────────

    async def _read_on(self) -> None:
        async with self._reading:
            shown = dict(self._reads.progress.positions)
            if not self._aside:  # Else what comes in a stream that is set aside would be passed over here too.
                self._read_to = _furthest(self._read_to, shown)
            await self._find_aside()
            heads = await self._reads.log.heads()
            while any(self._read_to.get(partition, _NOTHING) < head for partition, head in heads.items()):
                await self._read_page()
            for known in list(self._unshown):
                self._forget(known, shown)

    async def _read_page(self) -> None:
        batch = await self._reads.log.read_all(self._read_to, limit=READ_EVENTS_MAX)
        if not batch:
            raise Unavailable("The log of users does not show yet what it has counted.")
        for recorded in batch:
            suspects = self._suspects([recorded])
            for user in (_EVERYBODY,) if suspects is None else suspects:
                known = user if user in self._unshown or len(self._unshown) < DOUBTED_USERS_MAX else _EVERYBODY
                self._unshown.setdefault(known, {})[recorded.partition] = recorded.position
            if (aside := self._aside.get(recorded.stream)) is not None:
                aside.add(recorded, suspects)
        self._read_to = _furthest(self._read_to, {recorded.partition: recorded.position for recorded in batch})

    def _forget(self, known: UserId | None, shown: Positions) -> None:
        places = self._unshown.get(known, {})
        left = {place: position for place, position in places.items() if position > shown.get(place, _NOTHING)}
        if left:
            self._unshown[known] = left
        else:
            self._unshown.pop(known, None)

    async def _find_aside(self) -> None:
        """What the projector has set aside by now, and what it has taken up again."""
        page = await self._reads.select(Select(table=PARKED, limit=PAGE_ROWS_MAX))
        parked = {StreamId(str(row["stream"])): Version(int(str(row["version"]))) for row in page.rows}
        for stream in self._aside.keys() - parked.keys():
            del self._aside[stream]
        for stream in parked.keys() - self._aside.keys():
            missed = await self._reads.log.read(stream, after=Version(parked[stream] - 1))
            self._aside[stream] = aside = Aside()
            for recorded in missed.events:
                aside.add(recorded, self._suspects([recorded]))


def _furthest(one: Positions, other: Positions) -> dict[Partition, Position]:
    return {place: max(one.get(place, _NOTHING), other.get(place, _NOTHING)) for place in {**one, **other}}

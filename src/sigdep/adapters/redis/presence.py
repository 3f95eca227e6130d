"""Presence at all gateways: entries in Redis that end by themselves unless the gateway that made them goes on."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any, Final
from uuid import UUID, uuid4

from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.news import RedisNews
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.http.presence import PRESENT_USERS_MAX, Changed, Present
from sigdep.http.sharing import SharedAway

ANSWER_SECONDS_MAX: Final = 1.0

LIFETIME_SECONDS: Final = 15.0
"""How long who was at a gateway that was killed is present still."""

HEARTBEAT_SECONDS: Final = 5.0
"""After which each entry is renewed, or made again where Redis has lost it."""

ENTRIES_AT_ONCE: Final = 500
CHANGES_MAX: Final = 20_000
"""Waiting to be told. More are not told: what is here is told again with the next heartbeat, what is not ends."""

ANNOUNCE: Final = """
local time = redis.call('TIME')
local now, lifetime, place = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2]), 3
for number = 1, #KEYS do
    local key, here, gone = KEYS[number], tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    local changed = redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    for entry = place + 3, place + 2 + here do
        changed = changed + redis.call('ZADD', key, now + lifetime, ARGV[entry])
    end
    for entry = place + 3 + here, place + 2 + here + gone do
        changed = changed + redis.call('ZREM', key, ARGV[entry])
    end
    redis.call('PEXPIRE', key, lifetime)
    if changed > 0 then redis.call('PUBLISH', ARGV[1], ARGV[place]) end
    place = place + 3 + here + gone
end
"""
"""Renew the entries that are here, remove those that are gone, and tell where that made a difference."""

PRESENT: Final = """
local time = redis.call('TIME')
local now, answers = time[1] * 1000 + math.floor(time[2] / 1000), {}
for number, key in ipairs(KEYS) do
    local entries, seen, users, count = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf'), {}, {}, 0
    table.sort(entries)
    for _, entry in ipairs(entries) do
        local user = string.sub(entry, 16, 47)
        if not seen[user] then
            seen[user], count = true, count + 1
            if count <= tonumber(ARGV[1]) then users[count] = user end
        end
    end
    answers[number] = {count, users}
end
return answers
"""
"""Who is in each workspace: an entry begins with when its user came, so that they sort in that order."""


@dataclass(slots=True)
class Changes:
    """Entries of one workspace that are to be told."""

    here: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class RedisPresence:
    """One process's part of it. Run its job: `run`; `close` takes what is here away."""

    def __init__(
        self,
        aid: RedisAid,
        news: RedisNews,
        *,
        prefix: str = "sigdep",
        lifetime_seconds: float = LIFETIME_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._aid = aid
        self._prefix = f"{prefix}:present"
        self._lifetime = int(lifetime_seconds * 1_000)
        self._heartbeat_seconds = heartbeat_seconds
        self._process = uuid4().hex
        self._last_came = 0
        """Microseconds since 1970."""
        self._here: dict[WorkspaceId, dict[UserId, str]] = {}
        """The entry of each user who is here."""
        self._changes: dict[WorkspaceId, dict[str, bool]] = {}
        """Entries that are to be told, and whether they are here."""
        self._changes_count = 0
        self._changed = asyncio.Event()
        self._telling = asyncio.Lock()
        """Nothing overtakes what was told before."""
        self._listeners: list[Changed] = []
        news.listen(self._prefix, self._hear)

    def enter(self, workspace: WorkspaceId, user: UserId) -> None:
        here = self._here.setdefault(workspace, {})
        if user not in here:
            self._last_came = max(int(time() * 1_000_000), self._last_came + 1)
            here[user] = f"{self._last_came:014x}:{user.hex}:{self._process}"
            self._note(workspace, here[user], is_here=True)

    def leave(self, workspace: WorkspaceId, user: UserId) -> None:
        entry = self._here.get(workspace, {}).pop(user, None)
        if entry is None:
            return
        if not self._here[workspace]:
            del self._here[workspace]
        self._note(workspace, entry, is_here=False)

    async def present(self, workspaces: Collection[WorkspaceId]) -> Mapping[WorkspaceId, Present]:
        await self._tell_changes()
        keys = [self._key(workspace) for workspace in workspaces]
        if not keys:
            return {}
        answers = await self._aid.ask(lambda redis: redis.eval(PRESENT, len(keys), *keys, PRESENT_USERS_MAX))
        return {
            workspace: Present(tuple(UserId(UUID(user.decode())) for user in users), count)
            for workspace, (count, users) in zip(workspaces, answers, strict=True)
        }

    def listen(self, changed: Changed) -> None:
        self._listeners.append(changed)

    async def run(self) -> None:
        """Tell what changes, and from time to time all that is here, until cancelled."""
        loop = asyncio.get_running_loop()
        heartbeat_at = loop.time()
        while True:
            try:
                if loop.time() >= heartbeat_at:
                    heartbeat_at = loop.time() + self._heartbeat_seconds
                    await self._tell_all()
                await self._tell_changes()
            except SharedAway:
                await asyncio.sleep(max(heartbeat_at - loop.time(), 0))  # All is told again then.
            try:
                async with asyncio.timeout_at(heartbeat_at):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """What is here is here no more."""
        for workspace, here in list(self._here.items()):
            for user in list(here):
                self.leave(workspace, user)
        try:
            await self._tell_changes()
        except SharedAway:
            return  # They end by themselves.

    def _key(self, workspace: WorkspaceId) -> str:
        return f"{self._prefix}:{workspace.hex}"

    def _note(self, workspace: WorkspaceId, entry: str, *, is_here: bool) -> None:
        if self._changes_count < CHANGES_MAX:
            self._changes_count += 1
            self._changes.setdefault(workspace, {})[entry] = is_here
        self._changed.set()

    async def _tell_all(self) -> None:
        async with self._telling:
            await self._tell({workspace: Changes(list(here.values())) for workspace, here in self._here.items()})

    async def _tell_changes(self) -> None:
        async with self._telling:
            changes, self._changes, self._changes_count = self._changes, {}, 0
            self._changed.clear()
            told = {}
            for workspace, entries in changes.items():
                here = [entry for entry, is_here in entries.items() if is_here]
                told[workspace] = Changes(here, [entry for entry, is_here in entries.items() if not is_here])
            await self._tell(told)

    async def _tell(self, changes: Mapping[WorkspaceId, Changes]) -> None:
        for part in _parts(changes):
            keys = [self._key(workspace) for workspace, _ in part]
            arguments: list[Any] = []
            for workspace, one in part:
                arguments += (workspace.hex, len(one.here), len(one.gone), *one.here, *one.gone)
            await self._aid.ask(
                lambda redis, keys=keys, arguments=arguments: redis.eval(  # type: ignore[misc]
                    ANNOUNCE, len(keys), *keys, self._prefix, self._lifetime, *arguments
                )
            )

    def _hear(self, notice: bytes) -> None:
        try:
            workspace = WorkspaceId(UUID(notice.decode()))
        except ValueError:
            return
        for changed in self._listeners:
            changed(workspace)


def _parts(changes: Mapping[WorkspaceId, Changes]) -> Iterator[list[tuple[WorkspaceId, Changes]]]:
    """So many entries that they are told at once."""
    part: list[tuple[WorkspaceId, Changes]] = []
    size = 0
    for workspace, one in changes.items():
        for start in range(0, max(len(one.here), len(one.gone)), ENTRIES_AT_ONCE):
            piece = Changes(one.here[start : start + ENTRIES_AT_ONCE], one.gone[start : start + ENTRIES_AT_ONCE])
            part.append((workspace, piece))
            size += len(piece.here) + len(piece.gone)
            if size >= ENTRIES_AT_ONCE:
                yield part
                part, size = [], 0
    if part:
        yield part

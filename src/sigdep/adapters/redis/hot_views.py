"""Hot views in Redis: sorted sets of tasks by due date, documents beside them, and the position of both.

All keys of a partition are in one slot of a Redis Cluster, so that a script can write rows and position together:

    …:{tasks@3/17}:state            hash: `at` the position, or `turn` and `to` while a batch is being committed; `life`
    …:{tasks@3/17}:rows:<workspace> hash: by id, the row's order and content; `!` is the mark of this hash
    …:{tasks@3/17}:due:<workspace>:<person>  sorted set: order and id of each row, and `!` with the mark

A view counts where its mark is the one of the rows, and that one begins with the life of the partition. So none of
the three can be lost, evicted or left behind without the others being worthless too: they are filled again.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from redis.asyncio import Redis

from sigdep.adapters.redis.aid import RedisAid
from sigdep.kernel.hot_views import KEPT_SECONDS, VIEW_ROWS_MAX, HotChanges, HotRow, Placing, Range, Turn, View
from sigdep.kernel.ids import Partition, Position, Positions, WorkspaceId, partition_of, uuid_of
from sigdep.kernel.read_store import ModelId

PAGE_SECONDS_MAX: Final = 0.05
"""For a page: the read store answers in a few milliseconds."""

BATCH_SECONDS_MAX: Final = 0.25
"""For a batch: whoever is late loses the views of a partition, and has them filled again."""

_FORMAT: Final = 1
"""In all keys. Raise it when rows are written otherwise."""

_ORDER_OCTETS: Final = 18
_ID_OCTETS: Final = 32
_LENGTH_OCTETS: Final = 8
_FACTS_LENGTH_OCTETS: Final = 3
_NO_TIME: Final = "~" * _ORDER_OCTETS
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

BEGIN: Final = """
local state, warm = KEYS[1], 0
if redis.call('HGET', state, 'at') == ARGV[1] then
    warm = tonumber(redis.call('HGET', state, 'filled') or 0)
else
    redis.call('HSET', state, 'life', ARGV[3], 'filled', 0)
end
redis.call('HDEL', state, 'at')
redis.call('HSET', state, 'turn', ARGV[3], 'to', ARGV[2])
redis.call('EXPIRE', state, ARGV[4])
return warm
"""
"""Stand nowhere, and say whether there may be views. A partition that was elsewhere begins a new life."""

FINISH: Final = """
local state, key, place = KEYS[1], 2, 4
if redis.call('HGET', state, 'turn') ~= ARGV[1] then return 0 end
local life, rows_max = redis.call('HGET', state, 'life'), tonumber(ARGV[3])
while place <= #ARGV do
    local id, order, content = ARGV[place], ARGV[place + 1], ARGV[place + 2]
    local people, others = tonumber(ARGV[place + 3]), tonumber(ARGV[place + 4])
    local rows, held = KEYS[key], false
    local mark = redis.call('HGET', rows, '!')
    if mark and string.sub(mark, 1, #life) == life then
        local former = redis.call('HGET', rows, id)
        for number = 1, people + others do
            local view = KEYS[key + number]
            if redis.call('ZSCORE', view, '!' .. mark) then
                if former then redis.call('ZREM', view, string.sub(former, 1, #order) .. id) end
                if number <= people then
                    redis.call('ZADD', view, 0, order .. id)
                    held = true
                    if redis.call('ZCARD', view) > rows_max + 1 then redis.call('DEL', view) end
                end
            end
        end
        if held then redis.call('HSET', rows, id, order .. content) else redis.call('HDEL', rows, id) end
    end
    key, place = key + 1 + people + others, place + 5
end
redis.call('HDEL', state, 'turn', 'to')
redis.call('HSET', state, 'at', ARGV[2])
return 1
"""
"""Place the rows in the views that are known, and stand where the batch ends."""

PAGE: Final = """
local state, view, rows = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', state, 'at') ~= ARGV[1] then return false end
local life, mark = redis.call('HGET', state, 'life'), redis.call('HGET', rows, '!')
if not mark or string.sub(mark, 1, #life) ~= life or not redis.call('ZSCORE', view, '!' .. mark) then return false end
local kept = tonumber(ARGV[5])
for _, key in ipairs(KEYS) do
    if redis.call('TTL', key) < kept / 2 then redis.call('EXPIRE', key, kept) end
end
local members, ids = redis.call('ZRANGEBYLEX', view, ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4]), {}
if #members == 0 then return '' end
for number, member in ipairs(members) do ids[number] = string.sub(member, -32) end
local contents = redis.call('HMGET', rows, unpack(ids))
local answer = {}
for number, member in ipairs(members) do
    local content = contents[number]
    if not content or string.sub(content, 1, #member - 32) ~= string.sub(member, 1, -33) then return false end
    answer[3 * number - 2], answer[3 * number - 1] = ids[number], string.format('%08d', #content)
    answer[3 * number] = content
end
return table.concat(answer)
"""
"""The rows as one string, each with its length: a hundred answers in one take the client longer than Redis. A reader
seldom writes: each write goes to the disk and to every replica of the server."""

FILL: Final = """
local state, view, rows = KEYS[1], KEYS[2], KEYS[3]
local at, to = redis.call('HGET', state, 'at'), redis.call('HGET', state, 'to')
if tonumber(at or to or -1) > tonumber(ARGV[1]) then return 0 end
if at ~= ARGV[1] then
    redis.call('HDEL', state, 'turn', 'to')
    redis.call('HSET', state, 'at', ARGV[1], 'life', ARGV[2])
end
redis.call('HSET', state, 'filled', 1)
local life, mark = redis.call('HGET', state, 'life'), redis.call('HGET', rows, '!')
if not mark or string.sub(mark, 1, #life) ~= life then
    mark = life .. ARGV[2]
    redis.call('DEL', rows)
    redis.call('HSET', rows, '!', mark)
end
redis.call('DEL', view)
redis.call('ZADD', view, 0, '!' .. mark)
for place = 4, #ARGV, 3 do
    redis.call('ZADD', view, 0, ARGV[place + 1] .. ARGV[place])
    redis.call('HSET', rows, ARGV[place], ARGV[place + 1] .. ARGV[place + 2])
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[3]) end
return 1
"""
"""Rows of a position that the partition waits for, or has not heard of, begin a new life there: what had been begun is
over in the read store."""


class RedisHotViews:
    def __init__(self, aid: RedisAid, *, prefix: str = "sigdep") -> None:
        self._aid = aid
        self._prefix = f"{prefix}:hot{_FORMAT}"

    async def begin(self, model: ModelId, before: Positions, after: Positions) -> Turn:
        turn = uuid4().hex

        async def ask(redis: Redis) -> list[int]:
            async with redis.pipeline(transaction=False) as pipeline:
                for partition, position in after.items():
                    start = before.get(partition, 0)
                    pipeline.eval(BEGIN, 1, self._state(model, partition), start, position, turn, KEPT_SECONDS)
                return await pipeline.execute()

        answers = await self._aid.ask(ask)
        warm = frozenset(partition for partition, answer in zip(after, answers, strict=True) if answer)
        return Turn(id=turn, model=model, after=after, warm=warm)

    async def finish(self, turn: Turn, changes: HotChanges) -> None:
        async def ask(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for workspace in changes.forgotten:
                    await self._forget(redis, turn.model, workspace)
                for partition, position in turn.after.items():
                    keys, arguments = [self._state(turn.model, partition)], [turn.id, position, VIEW_ROWS_MAX]
                    for placing in changes.placings if partition in turn.warm else ():
                        if partition_of(placing.workspace) == partition:
                            self._place(turn.model, placing, keys, arguments)
                    pipeline.eval(FINISH, len(keys), *keys, *arguments)  # type: ignore[arg-type]
                await pipeline.execute()

        await self._aid.ask(ask)

    async def page(self, view: View, position: Position, part: Range) -> Sequence[HotRow] | None:
        first, last = _bounds(part)
        arguments = (position, first, last, part.limit, KEPT_SECONDS)
        answer = await self._aid.ask(lambda redis: redis.register_script(PAGE)(self._keys(view), arguments))
        return None if answer is None else list(_rows(answer))

    async def fill(self, view: View, position: Position, rows: Sequence[HotRow]) -> bool:
        arguments: list[Any] = [position, uuid4().hex, KEPT_SECONDS]
        for row in rows:
            arguments += (row.id.hex, _order(row.time), _content(row))
        answer = await self._aid.ask(lambda redis: redis.eval(FILL, 3, *self._keys(view), *arguments))
        return bool(answer)

    async def _forget(self, redis: Redis, model: ModelId, workspace: WorkspaceId) -> None:
        """All content. What is left of the views are times and ids, which count no more and end after KEPT_SECONDS."""
        start = self._start(model, partition_of(workspace))
        await redis.unlink(f"{start}:rows:{workspace.hex}")

    def _place(self, model: ModelId, placing: Placing, keys: list[str], arguments: list[Any]) -> None:
        start, row = self._start(model, partition_of(placing.workspace)), placing.row
        keys.append(f"{start}:rows:{placing.workspace.hex}")
        keys.extend(f"{start}:due:{placing.workspace.hex}:{person.hex}" for person in _all(placing))
        arguments += (row.id.hex, _order(row.time), _content(row), len(placing.people), len(placing.others))

    def _keys(self, view: View) -> tuple[str, str, str]:
        start = self._start(view.model, partition_of(view.workspace))
        workspace = view.workspace.hex
        return f"{start}:state", f"{start}:due:{workspace}:{view.person.hex}", f"{start}:rows:{workspace}"

    def _state(self, model: ModelId, partition: Partition) -> str:
        return f"{self._start(model, partition)}:state"

    def _start(self, model: ModelId, partition: Partition) -> str:
        return f"{self._prefix}:{{{model}/{partition}}}"


def _all(placing: Placing) -> Iterator[UUID]:
    yield from placing.people
    yield from placing.others


def _order(time: datetime | None) -> str:
    """Text that sorts as times do, microseconds since the year 1; no time comes last."""
    return _NO_TIME if time is None else f"{(time - _FIRST) // _MICROSECOND:0{_ORDER_OCTETS}}"


def _bounds(part: Range) -> tuple[str, str]:
    """As ZRANGEBYLEX takes them. The mark, which begins with `!`, is in none."""
    starts = ["[0"]
    if part.since is not None:
        starts.append(f"[{_order(part.since)}")
    if part.after is not None:
        starts.append(f"({_order(part.after.time)}{part.after.id.hex}")
    first = max(starts, key=lambda start: start[1:])
    if part.until is not None:
        return first, f"({_order(part.until)}"
    return first, "+" if part.since is None else f"({_NO_TIME}"


def _content(row: HotRow) -> bytes:
    return b"%03d" % len(row.facts) + row.facts + row.document


def _rows(answer: bytes) -> Iterator[HotRow]:
    place = 0
    while place < len(answer):
        start = place + _ID_OCTETS + _LENGTH_OCTETS
        end = start + int(answer[place + _ID_OCTETS : start])
        yield _row(answer[place : place + _ID_OCTETS], answer[start:end])
        place = end


def _row(identity: bytes, stored: bytes) -> HotRow:
    order, facts = stored[:_ORDER_OCTETS], _ORDER_OCTETS + _FACTS_LENGTH_OCTETS
    document = facts + int(stored[_ORDER_OCTETS:facts])
    return HotRow(
        id=uuid_of(bytes.fromhex(identity.decode())),
        time=None if order == _NO_TIME.encode() else _FIRST + timedelta(microseconds=int(order)),
        facts=stored[facts:document],
        document=stored[document:],
    )

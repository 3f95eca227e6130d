"""How a topic lies in Redis: a stream for each partition, in which an entry's id is its message's position.

So Redis itself refuses a message that is not past the last one, and nothing needs to be remembered for that.
"""

from collections.abc import Sequence
from typing import Any, Final

from sigdep.kernel.broker import Bookmark, BrokerPosition, Delivery, Message, found_message
from sigdep.kernel.ids import Partition, Position

TECHNOLOGY: Final = "redis"

APPEND: Final = """
local place = 2
for number = 1, #KEYS do
    local added = redis.pcall('XADD', KEYS[number], 'MAXLEN', '~', ARGV[1], ARGV[place],
        'i', ARGV[place + 1], 'f', ARGV[place + 2], 'k', ARGV[place + 3], 'b', ARGV[place + 4])
    if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
        return added
    end
    place = place + 5
end
return 'OK'
"""
"""Append each message to its stream, and pass over those that it has. Nobody sees a part of it."""

READ: Final = """
local found, size, from, step = {}, 0, ARGV[1], 4
while true do
    local part = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', step)
    for _, entry in ipairs(part) do
        if #entry[2] == 8 then size = size + #entry[2][8] end
        if #found == tonumber(ARGV[2]) or (#found > 0 and size > tonumber(ARGV[3])) then return found end
        found[#found + 1] = entry
    end
    if #part < step then return found end
    from = '(' .. part[#part][1]
end
"""
"""The entries from an id on, at most so many, and at most so many bytes of bodies. Few are looked at in one step: each
may be large."""


_NAMES: Final = (b"i", b"f", b"k", b"b")


def entry_id(position: Position) -> str:
    return f"{position}-0"


def append_arguments(messages: Sequence[Message], kept: int) -> list[bytes | str]:
    """What APPEND is told."""
    arguments: list[bytes | str] = [str(kept)]
    for message in messages:
        arguments += (entry_id(message.position), message.id, str(message.follows), message.key, message.body)
    return arguments


def delivery(partition: Partition, entry: Sequence[Any]) -> Delivery | None:
    """Of an entry as Redis gives it: its id, and names and values by turns. None: somebody else has written it."""
    if tuple(entry[1][::2]) != _NAMES:
        return None
    identity, follows, key, body = entry[1][1::2]
    message = found_message(
        id=identity.decode(errors="replace"),
        partition=partition,
        position=position_of(entry),
        follows=follows.decode(errors="replace"),
        key=key.decode(errors="replace"),
        body=body,
    )
    return None if message is None else Delivery(message=message, position=bookmark(entry))


def position_of(entry: Sequence[Any]) -> Position:
    return Position(int(entry[0].split(b"-")[0]))


def place_of(entry: Sequence[Any]) -> str:
    """Its id."""
    place: str = entry[0].decode()
    return place


def bookmark(entry: Sequence[Any]) -> BrokerPosition:
    return BrokerPosition(str(Bookmark(TECHNOLOGY, position_of(entry), place_of(entry))))

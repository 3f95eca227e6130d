"""The port of the broker: what a context tells the others, in the order of its log."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Final, NewType, Protocol, TypeAlias

from msgspec import Struct

from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import PARTITIONS, Partition, Position, StreamId

PUBLISH_MESSAGES_MAX: Final = 1_000
"""Messages in one batch of a publisher, all partitions together."""

PUBLISH_BYTES_MAX: Final = 8_000_000
"""Bytes of all bodies in one batch of a publisher."""

MESSAGE_BYTES_MAX: Final = 900_000
"""Bytes of one body. Every broker takes so much as it is configured by its makers; more must be read from the store."""

NAME_PATTERN: Final = re.compile(r"[!-~]{1,256}")
"""A message's id, and its key: visible ASCII, which every broker carries unchanged."""

READ_MESSAGES_MAX: Final = 256
"""Messages in one batch of a reader."""

READ_BYTES_MAX: Final = 4_000_000
"""Bytes of all bodies in one batch of a reader, who holds at most two such batches."""

AWAY_SECONDS_MAX: Final = 10.0
"""A broker that has been away for so long is given up: Unavailable. A restart after a crash is shorter."""

POSITION_MAX: Final = Position(2**63 - 1)
"""What a log can count to."""

TOPIC_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")

BrokerPosition = NewType("BrokerPosition", str)
"""Place in one partition of one topic. Only the broker that gave it can read it; others say PositionLost."""


class PositionLost(SigdepError):
    """What follows the reader's position is not all there any more: it must read the store, then the broker again.

    The broker has been emptied or has trimmed what is old, or another broker has taken its place.
    """


class PublishTooLarge(SigdepError):
    """A message or a batch is over the port's limits. Nothing was published."""


class Message(Struct, frozen=True, kw_only=True, gc=False):
    """One public event on its way, and its place in the log that it comes from."""

    id: str
    """Unique for ever, as the envelope says it."""
    partition: Partition
    """Of the log, and so of the topic."""
    position: Position
    """Of the event in that partition of the log. It is what repeats are told by."""
    follows: Position
    """Position of the message before it in its partition; 0: it is the first. By it a reader notices a gap."""
    key: StreamId
    """The stream whose event it is."""
    body: bytes
    """Opaque to the broker."""


class Delivery(Struct, frozen=True, kw_only=True, gc=False):
    """A message, and the position to save once it has been worked off."""

    message: Message
    position: BrokerPosition


Reading: TypeAlias = AsyncGenerator[Sequence[Delivery], None]
"""Batches, one after another. Who stops before the end must close it (`contextlib.aclosing`)."""


class Broker(Protocol):
    """Topics of 64 partitions, each a log that many may read, and that keeps what it holds for some days.

    Transport only: the event store stays the truth, and a broker that comes back empty has lost nothing.

    Order: a partition gives its messages in the order of their positions, whoever published them, over crashes
    and reconnects. Across partitions there is no order.

    Repeats: a message whose position is not past the last one of its partition has been published before, and
    nobody reads it twice. So publishing again whatever may have been published is safe, for several publishers
    of one log too. The last message of a partition must still be kept for that.

    Outages: calls bear with a broker that is away, for AWAY_SECONDS_MAX.

    Acknowledgement: there is none. A reader saves the position of what it has worked off, in one transaction
    with what came of it, and resumes from there.
    """

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Return once all messages are stored, so that they survive the end of the broker's process.

        Calls of one object are served in the order in which they were made. After a failure some may be stored, but
        none without those before it in its partition. Where the technology has it, a batch is stored whole or not at
        all. Safe to repeat.

        Raises:
            ValueError: the topic is not called like `tasks`, an id or a key is not visible ASCII, or a message does
                not follow on the one before: a bug.
            PublishTooLarge: over PUBLISH_MESSAGES_MAX, PUBLISH_BYTES_MAX or MESSAGE_BYTES_MAX.
            Unavailable: the broker is away. The outcome may be unknown: repeat it.
        """
        ...

    def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        """Batches of what comes after a position, for ever: waits where there is nothing new, and never gives an
        empty batch. None begins at the oldest message that is kept; whether that one follows on what the reader
        knows, the reader must see (`Continuity`).

        A reader that is slow costs nobody anything: no more is fetched than READ_MESSAGES_MAX and READ_BYTES_MAX allow
        (one message always fits). Every message follows on the one before it. What does not look like a message is
        passed over: somebody else has written it. What does is given, whoever has written it.

        Raises:
            ValueError: there is no such topic or partition: a bug.
            PositionLost: messages after the position are missing, or may be. All that came before the gap has been
                given. Take `last`, read the store to its end, then read on after what `last` said.
            Unavailable: the broker is away. Read again after the last position.
        """
        ...

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        """The position of the last message kept. None: there is none.

        Raises:
            ValueError: there is no such topic or partition: a bug.
            Unavailable: the broker is away.
        """
        ...

    async def close(self) -> None:
        """End every `read`, let go of all resources. Safe to repeat.

        Every other call on a closed broker raises Unavailable, as do the calls of `publish` that it interrupts.
        """
        ...


class Continuity:
    """Lets a reader take each message once, in order, and notice what is missing."""

    def __init__(self, reached: Position | None) -> None:
        """`reached`: all up to this has been taken. None: whatever comes first is right."""
        self.reached = reached

    def take(self, message: Message) -> bool:
        """Whether the message is new; one that has been taken before is not.

        Raises:
            PositionLost: a message before this one has not been taken.
        """
        if self.reached is not None:
            if message.position <= self.reached:
                return False
            if message.follows > self.reached:
                raise PositionLost(f"What was published after {self.reached} and until {message.follows} is gone.")
        self.reached = message.position
        return True

    def sift(self, arrived: Iterable[Delivery]) -> tuple[list[Delivery], PositionLost | None]:
        """What is new, as far as nothing is missing, and the gap that ends it."""
        new = list[Delivery]()
        for delivery in arrived:
            try:
                if self.take(delivery.message):
                    new.append(delivery)
            except PositionLost as lost:
                return new, lost
        return new, None


class Bookmark(Struct, frozen=True):
    """What a BrokerPosition says to the adapter that made it: the log's position, and the place in the broker.

    Both, because a broker that was emptied counts its places from the beginning again.
    """

    technology: str
    position: Position
    place: str

    def __str__(self) -> str:
        return f"{self.technology}:{self.position}:{self.place}"

    @classmethod
    def parse(cls, text: BrokerPosition, technology: str) -> "Bookmark":
        """
        Raises:
            PositionLost: another broker has given it.
        """
        name, _, rest = text.partition(":")
        position, _, place = rest.partition(":")
        if name != technology or not position.isascii() or not position.isdigit() or not place:
            raise PositionLost(f"The position {text!r} is not of this broker.")
        return cls(name, Position(int(position)), place)


def log_position(position: BrokerPosition) -> Position:
    """The place in the log of the message that a position stands behind, whichever broker gave it."""
    return Bookmark.parse(position, position.partition(":")[0]).position


def found_message(
    *, id: str, partition: Partition, position: str | int, follows: str | int, key: str, body: bytes
) -> Message | None:
    """What an adapter has found where messages lie. None: somebody else has written it, whatever it looks like."""
    try:
        message = Message(
            id=id,
            partition=partition,
            position=Position(int(position)),
            follows=Position(int(follows)),
            key=StreamId(key),
            body=body,
        )
    except ValueError:
        return None
    is_ours = _is_named(message) and 0 <= message.follows < message.position <= POSITION_MAX
    return message if is_ours else None


def check_topic(topic: str, partition: Partition = Partition(0)) -> None:
    """
    Raises:
        ValueError: there can be no such topic or partition.
    """
    if not TOPIC_PATTERN.fullmatch(topic):
        raise ValueError(f"A topic is called like tasks or tasks_2, not {topic!r}.")
    if not 0 <= partition < PARTITIONS:
        raise ValueError(f"There is no partition {partition}.")


def check_batch(topic: str, messages: Sequence[Message]) -> None:
    """What every adapter refuses before it publishes.

    Raises:
        ValueError: there can be no such topic, partition or name, or a message does not follow on the one before.
        PublishTooLarge: over the limits.
    """
    check_topic(topic)
    reached: dict[Partition, Position] = {}
    for message in messages:
        check_topic(topic, message.partition)
        if not _is_named(message):
            raise ValueError(f"A message cannot be called {message.id!r}, or its stream {message.key!r}.")
        before = reached.get(message.partition, message.follows)
        if not 0 <= before == message.follows < message.position:
            raise ValueError(f"{message.id} at {message.position} does not follow on what stands before it.")
        reached[message.partition] = message.position
    _check_sizes(messages)


def _is_named(message: Message) -> bool:
    return bool(NAME_PATTERN.fullmatch(message.id) and NAME_PATTERN.fullmatch(message.key))


def _check_sizes(messages: Sequence[Message]) -> None:
    if len(messages) > PUBLISH_MESSAGES_MAX:
        raise PublishTooLarge(f"A batch has at most {PUBLISH_MESSAGES_MAX} messages, not {len(messages)}.")
    if sum(len(message.body) for message in messages) > PUBLISH_BYTES_MAX:
        raise PublishTooLarge(f"A batch has at most {PUBLISH_BYTES_MAX} bytes.")
    for message in messages:
        if len(message.body) > MESSAGE_BYTES_MAX:
            raise PublishTooLarge(f"The message {message.id} has more than {MESSAGE_BYTES_MAX} bytes.")

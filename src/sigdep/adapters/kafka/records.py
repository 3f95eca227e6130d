"""How a message lies in Kafka: its body is the record's value, its stream the key, the rest are headers."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from msgspec import Struct

from sigdep.adapters.kafka.errors import translated
from sigdep.adapters.outages import Away
from sigdep.kernel.broker import Bookmark, BrokerPosition, Message, found_message
from sigdep.kernel.ids import Partition, Position

TECHNOLOGY: Final = "kafka"

ID, POSITION, FOLLOWS = "sigdep-id", "sigdep-position", "sigdep-follows"

FORMAT: Final = 2
"""Of record batches, since Kafka 0.11."""

BATCH_BYTES_MAX: Final = 1_000_000
"""Of one batch of records. Kafka takes 1,048,588 bytes as it is configured by its makers. One message always fits."""

PRODUCER: Final = 0x536967446570
"""Whoever publishes for SigDep is this producer. Kafka gives out numbers from 0 on, and will not come to this one."""

EPOCHS: Final = 2**15

SEQUENCES: Final = 2**31
"""A sequence is a non-negative number of 32 bits, and begins again after the highest."""


class Place(Struct, frozen=True):
    """Where our producer goes on in a partition, as it numbers its records: from 0 on in each epoch."""

    epoch: int = 0
    sequence: int = 0

    def after(self, records: int) -> "Place":
        return Place(self.epoch, (self.sequence + records) % SEQUENCES)

    def in_next_epoch(self) -> "Place":
        return Place((self.epoch + 1) % EPOCHS)


class Stored(Struct, frozen=True):
    """A record of a partition."""

    offset: int
    message: Message | None
    """None: somebody else has written it."""

    @property
    def position(self) -> Position:
        return Position(0) if self.message is None else self.message.position

    @property
    def bookmark(self) -> BrokerPosition:
        return BrokerPosition(str(Bookmark(TECHNOLOGY, self.position, str(self.offset))))


class Fetched(Struct, frozen=True):
    """Some records, and the offset of what comes after them."""

    records: Sequence[Stored]
    next_offset: int


class Last(Struct, frozen=True):
    """The last record of a partition."""

    stored: Stored
    followed_by: Place | None
    """Where our producer goes on. None: another one has written it."""


def encode(messages: Sequence[Message], place: Place) -> tuple[bytes, int]:
    """A batch of the first messages, and how many have found room in it."""
    builder = DefaultRecordBatchBuilder(FORMAT, 0, 0, PRODUCER, place.epoch, place.sequence, BATCH_BYTES_MAX)
    encoded = 0
    for message in messages:
        headers = [
            (ID, message.id.encode()),
            (POSITION, str(message.position).encode()),
            (FOLLOWS, str(message.follows).encode()),
        ]
        if builder.append(encoded, None, message.key.encode(), message.body, headers) is None:
            break
        encoded += 1
    return bytes(builder.build()), encoded


def decode(partition: Partition, fetched: bytes, offset: int) -> Fetched:
    """The records of whole batches from an offset on. What servers write for themselves is left out.

    Raises:
        Away: something was damaged on the way.
    """
    records = list[Stored]()
    for batch in _batches(fetched):
        if not batch.is_control_batch:
            records += [_stored(partition, record) for record in batch if record.offset >= offset]
        offset = max(offset, batch.next_offset)
    return Fetched(records, offset)


def decode_last(partition: Partition, fetched: bytes) -> Last | None:
    """The last record of the last batch. None: there is no record.

    Raises:
        Away: something was damaged on the way.
    """
    last: Last | None = None
    for batch in _batches(fetched):
        records = [] if batch.is_control_batch else list(batch)
        if records:
            followed_by = None
            if batch.producer_id == PRODUCER:
                begun = Place(batch.producer_epoch, batch.base_sequence)
                followed_by = begun.after(batch.next_offset - batch.base_offset)
            last = Last(_stored(partition, records[-1]), followed_by)
    return last


def _batches(fetched: bytes) -> Iterator[Any]:
    with translated():
        records = MemoryRecords(fetched)
        while records.has_next():
            batch: Any = records.next_batch()
            if not batch.validate_crc():
                raise Away("A batch of records was damaged on the way.")
            yield batch


def _stored(partition: Partition, record: Any) -> Stored:
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    message = found_message(
        id=headers.get(ID, ""),
        partition=partition,
        position=headers.get(POSITION, ""),
        follows=headers.get(FOLLOWS, ""),
        key=(record.key or b"").decode(errors="replace"),
        body=record.value or b"",
    )
    return Stored(record.offset, message)

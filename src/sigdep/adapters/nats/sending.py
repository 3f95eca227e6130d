"""Two ways to store messages so that none is stored without those before it: a window, or an atomic batch.

Each message, or at least the first of each partition, names the last one of its partition (by its sequence in the
stream), and is refused if that is another.

A window is a few single messages sent without waiting for each other's answer. Which sequence the next but one will
follow on has to be guessed; if anybody else stored something in between, it is refused with all that follow it in its
partition. Where several servers keep the stream, those that follow in it are always refused, and go by a batch. One is
stored in 0.6 ms. An atomic batch needs no guess and is stored whole or not at all, but the server makes files for each:
6 ms at the best, and seconds on a disk that is busy.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from msgspec import Struct

from sigdep.adapters.nats.connecting import Connection, read_answer
from sigdep.adapters.nats.streams import Topics, headers_of
from sigdep.kernel.broker import Message
from sigdep.kernel.ids import Partition

EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"

Lasts = Mapping[Partition, int]
"""The sequence of the last message of each partition, 0 where there is none."""


class _Acknowledged(Struct, frozen=True):
    seq: int


async def send_window(
    connection: Connection, topics: Topics, topic: str, messages: Sequence[Message], lasts: Lasts, foreseen: int
) -> list[int]:
    """Store messages one by one, `foreseen` being the sequence that the first is to get. Returns their sequences.

    Raises:
        Refused: some are not stored, for a reason that the error tells of one of them.
        Away: some may not be stored.
    """
    follows = dict(lasts)
    sending = list[asyncio.Task[bytes]]()
    for sequence, message in enumerate(messages, foreseen):
        headers = headers_of(message) | {EXPECTED: str(follows[message.partition])}
        follows[message.partition] = sequence
        subject = topics.subject(topic, message.partition)
        sending.append(asyncio.create_task(connection.request(subject, message.body, headers)))
    try:
        answers = await asyncio.gather(*sending)
    finally:
        for one in sending:
            one.cancel()
    return [read_answer(answer, _Acknowledged).seq for answer in answers]


async def send_batch(
    connection: Connection, topics: Topics, topic: str, messages: Sequence[Message], lasts: Lasts
) -> list[int]:
    """Store messages all at once or not at all. Returns their sequences.

    Raises:
        Refused: nothing is stored.
        Away: nothing is stored, or all.
    """
    batch, begun, answer = uuid4().hex, set[Partition](), b""
    for number, message in enumerate(messages, 1):
        headers = headers_of(message) | {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
        if message.partition not in begun:
            begun.add(message.partition)
            headers[EXPECTED] = str(lasts[message.partition])
        subject = topics.subject(topic, message.partition)
        if number < len(messages):
            await connection.tell(subject, message.body, headers=headers)
        else:
            answer = await connection.request(subject, message.body, headers | {"Nats-Batch-Commit": "1"})
    last = read_answer(answer, _Acknowledged).seq
    return list(range(last - len(messages) + 1, last + 1))

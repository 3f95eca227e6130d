"""Publishes over one connection, in frames of which each is confirmed before the next one of its stream is sent.

A window of frames would be quicker, but if one of them were refused, and the next one were not, it would leave a gap.
And so a chunk, which is what a reader is given, is hardly larger than a frame.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias

from rstream import exceptions, schema

from sigdep.adapters.outages import Away
from sigdep.adapters.rabbitmq.connecting import ANSWER_SECONDS_MAX, PUBLICATIONS_MAX, Connection
from sigdep.adapters.rabbitmq.streams import Topics, encoded
from sigdep.adapters.rabbitmq.waiting import Publication
from sigdep.kernel.broker import READ_MESSAGES_MAX, Message

PARCEL_MESSAGES_MAX: Final = READ_MESSAGES_MAX

PARCEL_BYTES_MAX: Final = 1_000_000
"""Of the messages in one frame, as they are stored. With what is around them that is less than FRAME_BYTES_MAX."""

Parcel: TypeAlias = list[schema.Message]
"""What goes as one frame."""


class Publisher:
    """Declares itself for the streams that it needs, and makes those that are missing."""

    def __init__(self, connection: Connection, topics: Topics) -> None:
        self.connection = connection
        self._topics = topics
        self._publications: dict[str, Publication] = {}
        """By stream. Those that were used last are at the end."""

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """
        Raises:
            Away: it may work the next time.
            ServerError: RabbitMQ refuses.
        """
        by_stream: dict[str, list[Message]] = {}
        for message in messages:
            by_stream.setdefault(self._topics.stream(topic, message.partition), []).append(message)
        await self._prepare(list(by_stream))
        for turn in zip_longest(*map(_parcels, by_stream.values())):
            sent = list[Publication]()
            for stream, parcel in zip(by_stream, turn, strict=True):
                if parcel is not None:
                    sent.append(self._publications[stream])
                    await self.connection.publish(sent[-1], parcel)
            for publication in sent:
                await self._confirmed(publication)

    async def _prepare(self, streams: Sequence[str]) -> None:
        """See to it that there is a publication for each stream."""
        known = {stream: one for stream, one in self._publications.items() if not one.ended}
        used = {stream: known.pop(stream) for stream in streams if stream in known}
        self._publications = known | used
        missing = [stream for stream in streams if stream not in used]
        while len(self._publications) + len(missing) > PUBLICATIONS_MAX:
            await self.connection.retire(self._publications.pop(next(iter(self._publications))))
        for stream, publication in zip(missing, await asyncio.gather(*map(self._declare, missing)), strict=True):
            self._publications[stream] = publication

    async def _declare(self, stream: str) -> Publication:
        try:
            return await self.connection.declare(stream, self._topics.publisher)
        except exceptions.StreamDoesNotExist:
            await self._topics.make(self.connection, stream)
            return await self.connection.declare(stream, self._topics.publisher)

    async def _confirmed(self, publication: Publication) -> None:
        try:
            await publication.confirmed(ANSWER_SECONDS_MAX)
        except TimeoutError:
            self.connection.lose()
            raise Away("RabbitMQ does not confirm: perhaps its memory or its disk is full.") from None


def _parcels(messages: Iterable[Message]) -> list[Parcel]:
    """In the same order, none over the limits."""
    parcels, size = list[Parcel](), 0
    for message in messages:
        stored = schema.Message(publishing_id=message.position, filter_value=None, data=encoded(message))
        size += len(stored.data)
        if not parcels or len(parcels[-1]) == PARCEL_MESSAGES_MAX or size > PARCEL_BYTES_MAX:
            parcels.append([])
            size = len(stored.data)
        parcels[-1].append(stored)
    return parcels

"""Connections to RabbitMQ that speak its stream protocol: made when needed, and never mended, but replaced.

Of rstream only the frames are used. Its producer and consumer take up by themselves what was cut off, log and forget
what could not be written or arrived broken, so that a reader would wait for ever, hold as much as is sent to them, and
read from a socket 256 bytes at a time. A new connection of ours begins with nothing, and what was lost is said.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, TypeVar

from rstream import schema
from rstream.encoding import decode_frame, encode_frame, encode_publish

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.adapters.rabbitmq.address import Address
from sigdep.adapters.rabbitmq.waiting import Publication, Subscription

ANSWER_SECONDS_MAX: Final = 5.0

HEARTBEAT_SECONDS: Final = 5

SILENCE_SECONDS_MAX: Final = 15.0
"""A server that says nothing for so long, not even that it is there, is given up."""

FRAME_BYTES_MAX: Final = 1_048_576
"""Of what we send: what RabbitMQ takes as it is configured by its makers."""

CHUNK_BYTES_MAX: Final = 64_000_000
"""Of what we are sent. Chunks of ours are within FRAME_BYTES_MAX, if there is no more than one publisher."""

BUFFER_BYTES: Final = 1_000_000

NUMBERS: Final = 256
"""For subscriptions, and for publications, of one connection: as many as the protocol has."""

SUBSCRIPTIONS_MAX: Final = 192
"""When a connection has so many, what comes goes over another one."""

PUBLICATIONS_MAX: Final = 192
"""When a connection has so many, those that were not used for long make room."""

A = TypeVar("A", bound=schema.Frame)


class Connection:
    """One connection, from when it was made until it is lost."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        """`tls`: for an address with TLS: whom we trust, and what we show. None: whom the system trusts."""
        self.lost = asyncio.Event()
        self._address = address
        self._tls = (tls or ssl.create_default_context()) if address.is_tls else None
        self._subscriptions: dict[int, Subscription] = {}
        self._publications: dict[int, Publication] = {}
        self._answers: dict[int, asyncio.Future[schema.Frame]] = {}
        self._numbers = count(1)
        self._tune: asyncio.Future[schema.Tune] = asyncio.get_running_loop().create_future()
        self._writer: asyncio.StreamWriter | None = None
        self._tasks = list[asyncio.Task[None]]()
        self._heard = 0.0

    @property
    def has_room(self) -> bool:
        """Whether another subscription is possible."""
        return len(self._subscriptions) < SUBSCRIPTIONS_MAX

    async def open(self) -> None:
        """
        Raises:
            Away, OSError: nobody is there.
            ServerError: it does not let us in.
            OutOfOrder: it takes no frames of our size.
        """
        reader, self._writer = await asyncio.open_connection(
            self._address.host, self._address.port, limit=BUFFER_BYTES, ssl=self._tls
        )
        self._heard = asyncio.get_running_loop().time()
        self._tasks.append(asyncio.create_task(self._listen(reader), name="listen to RabbitMQ"))
        await self._introduce()
        self._tasks.append(asyncio.create_task(self._beat(), name="tell RabbitMQ that we are there"))

    async def _introduce(self) -> None:
        here = self._address
        ours = [schema.Property("product", "SigDep"), schema.Property("connection_name", "sigdep")]
        await self.ask(schema.PeerProperties, schema.PeerPropertiesResponse, properties=ours)
        await self.ask(schema.SaslHandshake, schema.SaslHandshakeResponse)
        who = f"\0{here.user}\0{here.password}".encode()
        await self.ask(schema.SaslAuthenticate, schema.SaslAuthenticateResponse, mechanism="PLAIN", data=who)
        tune = await self._tune
        if 0 < tune.frame_max < FRAME_BYTES_MAX:
            raise OutOfOrder(f"RabbitMQ takes frames of {tune.frame_max} bytes: stream.frame_max = {FRAME_BYTES_MAX}.")
        await self.tell(schema.Tune(frame_max=tune.frame_max, heartbeat=HEARTBEAT_SECONDS))
        await self.ask(schema.Open, schema.OpenResponse, virtual_host=here.virtual_host)

    async def ask(self, question: Callable[..., schema.Frame], answer: type[A], **fields: Any) -> A:
        """
        Raises:
            ServerError: it says no.
            Away: there was no answer.
        """
        number, said = self._expect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await self.tell(question(correlation_id=number, **fields))
                found = await said
        except TimeoutError:
            self.lose()
            raise Away("RabbitMQ does not answer.") from None
        finally:
            self._answers.pop(number, None)
        assert isinstance(found, answer), f"{type(found).__name__} is no answer to that."
        found.check_response_code()
        return found

    async def tell(self, frame: schema.Frame) -> None:
        await self._write(encode_frame(frame))

    async def subscribe(self, stream: str, begin: schema.OffsetSpec, credit: int) -> Subscription:
        """Chunks from the one on that holds where to begin, as many as there is credit for.

        Raises:
            ServerError, Away: as `ask`.
        """
        identity = _free(self._subscriptions)
        subscription = self._subscriptions[identity] = Subscription(identity, stream)
        fields = {"subscription_id": identity, "stream": stream, "offset_spec": begin, "credit": credit}
        try:
            await self.ask(schema.Subscribe, schema.SubscribeResponse, **fields, properties=[])
        except BaseException:
            self.unsubscribe(subscription)
            raise
        return subscription

    async def credit(self, subscription: Subscription) -> None:
        """One more chunk may come."""
        await self.tell(schema.Credit(subscription_id=subscription.identity, credit=1))

    def unsubscribe(self, subscription: Subscription) -> None:
        """Without waiting for it. Its number is free once the server has answered: no chunk comes after that."""
        if self.lost.is_set() or self._writer is None or self._subscriptions.get(subscription.identity) != subscription:
            return
        number, said = self._expect()

        def free(answered: asyncio.Future[schema.Frame]) -> None:
            self._answers.pop(number, None)
            if answered.exception() is None and self._subscriptions.get(subscription.identity) == subscription:
                del self._subscriptions[subscription.identity]

        said.add_done_callback(free)
        frame = schema.Unsubscribe(correlation_id=number, subscription_id=subscription.identity)
        self._writer.write(encode_frame(frame))

    async def declare(self, stream: str, publisher: str) -> Publication:
        """Have a stream take messages under a publisher's name.

        Raises:
            ServerError, Away: as `ask`.
        """
        identity = _free(self._publications)
        publication = self._publications[identity] = Publication(identity, stream)
        fields = {"publisher_id": identity, "reference": publisher, "stream": stream}
        try:
            await self.ask(schema.DeclarePublisher, schema.DeclarePublisherResponse, **fields)
        except BaseException:
            self._publications.pop(identity, None)
            raise
        return publication

    async def retire(self, publication: Publication) -> None:
        """Make room for another one."""
        await self.ask(schema.DeletePublisher, schema.DeletePublisherResponse, publisher_id=publication.identity)
        self._publications.pop(publication.identity, None)

    async def publish(self, publication: Publication, messages: list[schema.Message]) -> None:
        """Send them as one frame. Whether they are stored, the publication is told."""
        publication.await_all(message.publishing_id for message in messages)
        await self._write(encode_publish(schema.Publish(publisher_id=publication.identity, messages=messages)))

    async def close(self) -> None:
        """Safe to repeat."""
        if not self.lost.is_set() and self._writer is not None:
            farewell = schema.Close(correlation_id=next(self._numbers), code=1, reason="OK")
            self._writer.write(encode_frame(farewell))
            self._writer.close()
        self.lose()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lose(self) -> None:
        """It is not used any more. What waits for it is told so."""
        if self.lost.is_set():
            return
        self.lost.set()
        awaited: list[asyncio.Future[Any]] = [self._tune, *self._answers.values()]
        for said in awaited:
            if not said.done():
                said.set_exception(Away("The connection to RabbitMQ was lost."))
                said.exception()  # Perhaps nobody waits for it.
        waiting: list[Subscription | Publication] = [*self._subscriptions.values(), *self._publications.values()]
        for one in waiting:
            one.end()
        if self._writer is not None and not self._writer.is_closing():
            self._writer.transport.abort()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _expect(self) -> tuple[int, asyncio.Future[schema.Frame]]:
        number = next(self._numbers)
        said: asyncio.Future[schema.Frame] = asyncio.get_running_loop().create_future()
        self._answers[number] = said
        return number, said

    async def _write(self, frame: bytes) -> None:
        if self.lost.is_set() or self._writer is None:
            raise Away("The connection to RabbitMQ was lost.")
        self._writer.write(frame)
        await self._writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while not self.lost.is_set():
                size = int.from_bytes(await reader.readexactly(4), "big")
                if size > CHUNK_BYTES_MAX:
                    break
                self._take(decode_frame(await reader.readexactly(size)))
        except (OSError, EOFError, ValueError, KeyError):
            pass  # Cut off, or broken: what waits is told that it is lost.
        finally:
            self.lose()

    def _take(self, frame: schema.Frame) -> None:
        self._heard = asyncio.get_running_loop().time()
        match frame:
            case schema.Deliver() if subscription := self._subscriptions.get(frame.subscription_id):
                subscription.deliver(frame)
            case schema.PublishConfirm() if publication := self._publications.get(frame.publisher_id):
                publication.confirm(frame.publishing_ids)
            case schema.PublishError() if publication := self._publications.get(frame.publisher_id):
                publication.refuse(frame.errors)
            case schema.MetadataUpdate():
                self._end(frame.metadata_info.stream)
            case schema.Tune():
                self._tune.set_result(frame)
            case schema.Close():
                raise EOFError(frame.reason)
            case _:
                said = self._answers.get(frame.corr_id or 0)
                if said is not None and not said.done():
                    said.set_result(frame)

    def _end(self, stream: str) -> None:
        """It is removed, or has moved: RabbitMQ has forgotten what we had to do with it."""
        for identity, subscription in list(self._subscriptions.items()):
            if subscription.stream == stream:
                del self._subscriptions[identity]
                subscription.end()
        for identity, publication in list(self._publications.items()):
            if publication.stream == stream:
                del self._publications[identity]
                publication.end()

    async def _beat(self) -> None:
        while asyncio.get_running_loop().time() - self._heard < SILENCE_SECONDS_MAX and not self.lost.is_set():
            if self._writer is not None:
                self._writer.write(encode_frame(schema.Heartbeat()))
            await asyncio.sleep(HEARTBEAT_SECONDS)
        self.lose()


def _free(taken: Mapping[int, Any]) -> int:
    """
    Raises:
        Away: too many came at once.
    """
    for number in range(NUMBERS):
        if number not in taken:
            return number
    raise Away("A connection to RabbitMQ is full.")

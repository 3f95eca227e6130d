"""A Kafka that wants a user and a password is told them, and nobody else is."""

import asyncio
import logging
import re
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import pytest
from aiokafka import conn

from sigdep.adapters.kafka import connecting
from sigdep.adapters.kafka.address import Address
from sigdep.adapters.kafka.broker import KafkaBroker
from sigdep.adapters.outages import OutOfOrder
from sigdep.kernel.broker import AWAY_SECONDS_MAX
from sigdep.kernel.ids import PARTITIONS, Partition
from sigdep.testing.broker import BrokerContract, Opener
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import PARTITION, WAIT_SECONDS, messages, said, take
from sigdep.testing.ports import HOST
from tests.adapters.kafka.sasl_server import PASSWORD, PORTER, USER, WHO, SaslKafka
from tests.conftest import missing_servers_skip

pytestmark = pytest.mark.timeout(400)  # Seconds. The first test of all fetches Kafka.

WRONG: Final = "s3cret/wrong"


@pytest.fixture(scope="module")
def server() -> Iterator[SaslKafka]:
    with missing_servers_skip(), running(SaslKafka) as server:
        yield server


@asynccontextmanager
async def broker_at(url: str, server: SaslKafka) -> AsyncIterator[KafkaBroker]:
    address = Address.parse(url)
    tls = ssl.create_default_context(cafile=server.authority)
    broker = KafkaBroker(address.servers, **address.options(tls))
    yield broker
    await broker.close()


class TestKafkaBrokerWithPassword(BrokerContract):
    @pytest.fixture
    def opener(self, server: SaslKafka) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> KafkaBroker:
            address = Address.parse(server.url)
            servers = [(HOST, port or server.port)]
            return KafkaBroker(servers, away_seconds_max=away_seconds_max, **address.options(None))

        return open_broker


@pytest.mark.parametrize("who, mechanism", [(WHO, "scram-sha-256"), (WHO, "scram-sha-512")])
async def test_a_mechanism_that_is_named_is_used(who: str, mechanism: str, server: SaslKafka) -> None:
    async with broker_at(f"kafka://{who}@{HOST}:{server.port}?sasl={mechanism}", server) as broker:
        topic = mechanism.replace("-", "_")
        await broker.publish(topic, messages([1, 2]))
        assert said(await take(broker, topic, 2)) == messages([1, 2])


@pytest.mark.parametrize("who, mechanism", [(WHO, "scram-sha-512"), (f"{PORTER}:{quote(PASSWORD, safe='')}", "plain")])
async def test_by_tls_a_password_may_go_as_it_is_and_no_log_tells_of_it(
    who: str, mechanism: str, server: SaslKafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with broker_at(f"kafka+tls://{who}@localhost:{server.tls_port}?sasl={mechanism}", server) as broker:
        topic = f"tls_{mechanism.replace('-', '_')}"
        await broker.publish(topic, messages([1, 2]))
        assert said(await take(broker, topic, 2)) == messages([1, 2])
        assert PASSWORD not in repr(broker)
    assert PASSWORD not in caplog.text
    assert messages([1])[0].id not in caplog.text


@pytest.mark.parametrize(
    "who, mechanism, why",
    [
        (f"{quote(USER)}:{quote(WRONG, safe='')}", "", "SaslAuthenticationFailed"),
        (f"nobody:{quote(WRONG, safe='')}", "", "SaslAuthenticationFailed"),
        (f"{PORTER}:{quote(WRONG, safe='')}", "?sasl=plain", "SaslAuthenticationFailed"),
        (f"{quote(USER)}:{quote(WRONG, safe='')}", "?sasl=scram-sha-256", "UnsupportedSaslMechanismError"),
    ],
)
async def test_whoever_is_not_let_in_is_told_what_to_look_at(
    who: str, mechanism: str, why: str, server: SaslKafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with broker_at(f"kafka+tls://{who}@localhost:{server.tls_port}{mechanism}", server) as broker:
        with pytest.raises(OutOfOrder, match=f"not let us in: {why}.* Look at the user, the password") as refused:
            await broker.publish("refused", messages([1]))
    assert WRONG not in "".join(traceback.format_exception(refused.value)) + caplog.text


async def test_many_readers_that_are_not_let_in_knock_once(server: SaslKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be held up by the server, and who comes with a wrong password too often may be locked out."""
    knocks, create_conn = list[str](), conn.create_conn

    async def counted(host: str, *arguments: Any, **options: Any) -> Any:
        knocks.append(host)
        return await create_conn(host, *arguments, **options)

    monkeypatch.setattr(connecting, "create_conn", counted)
    async with broker_at(f"kafka://{quote(USER)}:{WRONG[:6]}@{HOST}:{server.port}", server) as broker:
        lasts = (broker.last("refused", Partition(number)) for number in range(PARTITIONS))
        refusals = await asyncio.gather(*lasts, return_exceptions=True)
    assert {type(refusal) for refusal in refusals} == {OutOfOrder}
    assert len(set(map(str, refusals))) == 1
    assert knocks == [HOST]


async def test_a_server_that_does_not_know_the_password_itself_is_told_nothing(server: SaslKafka) -> None:
    """With SCRAM both sides show that they know it. This one's signature is changed on its way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(HOST, server.port)
        try:
            while asked := await reader.read(65_536):
                up_writer.write(asked)
                answer = await up_reader.read(65_536)
                writer.write(re.sub(rb"v=[\w+/]{8}", b"v=forgedxx", answer))
        finally:
            for one in (writer, up_writer):
                one.transport.abort()

    forger = await asyncio.start_server(serve, HOST, 0)
    async with forger, broker_at(f"kafka://{WHO}@{HOST}:{forger.sockets[0].getsockname()[1]}", server) as broker:
        with pytest.raises(OutOfOrder, match="not the Kafka that knows our password"):
            async with asyncio.timeout(WAIT_SECONDS):
                await broker.last("forged", PARTITION)

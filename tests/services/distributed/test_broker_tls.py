"""Brokers and Redis behind TLS: reached with the right papers, and with no others."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

import pytest
from msgspec import structs

from sigdep.contracts.ids import UserId
from sigdep.gateway.figures import Figures
from sigdep.kernel.broker import Broker
from sigdep.kernel.errors import Unavailable
from sigdep.services.distributed.broker_wiring import broker_system, open_broker
from sigdep.services.distributed.redis_wiring import open_shared
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.jobs import Jobs
from sigdep.services.observing.watch import Watch
from sigdep.services.settings import BadSetting
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import PARTITION, WAIT_SECONDS, messages, said, take
from sigdep.testing.nats_server import NatsServer
from tests.conftest import missing_servers_skip
from tests.rpc.certificates import Authority
from tests.services.distributed.tls_servers import AUTHORITY, TlsKafka, TlsNats, TlsRabbitMQ, TlsRedis, written

pytestmark = pytest.mark.timeout(400)  # Seconds: the first one fetches Kafka.

TlsServer: TypeAlias = TlsNats | TlsKafka | TlsRabbitMQ | TlsRedis

SYSTEMS: Final = {TlsNats: "nats", TlsKafka: "kafka", TlsRabbitMQ: "rabbitmq", TlsRedis: "redis"}


@pytest.fixture(scope="module", params=list(SYSTEMS), ids=list(SYSTEMS.values()))
def server(request: pytest.FixtureRequest) -> Iterator[TlsServer]:
    with missing_servers_skip(), running(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[TlsRedis]:
    with missing_servers_skip(), running(TlsRedis) as server:
        yield server


def papers(folder: Path, authority: Authority = AUTHORITY) -> ServiceSettings:
    """For whoever wants to know who comes, the broker or Redis."""
    trusted, certificate, key = map(str, written(folder, authority.papers()))
    return ServiceSettings(
        broker_authority=trusted,
        broker_certificate=certificate,
        broker_key=key,
    )


@asynccontextmanager
async def opened(chosen: ServiceSettings) -> AsyncIterator[Broker]:
    async with AsyncExitStack() as stack:
        broker = open_broker(chosen, Watch("tests", Figures()), stack)
        assert broker is not None
        yield broker


async def is_refused(chosen: ServiceSettings) -> bool:
    async with opened(chosen) as broker:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await broker.publish("refused", messages([1]))
        except Unavailable:
            return True
    return False


async def test_with_papers_of_its_authority_all_goes_on_as_in_the_clear(server: TlsServer, tmp_path: Path) -> None:
    chosen = structs.replace(papers(tmp_path), broker_url=server.url)
    async with opened(chosen) as broker:
        async with asyncio.timeout(WAIT_SECONDS):
            await broker.publish("told", messages([1, 2, 3]))
        assert said(await take(broker, "told", 3)) == messages([1, 2, 3])
        assert await broker.last("told", PARTITION) is not None
    assert broker_system(chosen) == SYSTEMS[type(server)]


async def test_without_the_right_papers_on_both_sides_nothing_is_told(server: TlsServer, tmp_path: Path) -> None:
    right, stranger = papers(tmp_path / "right"), papers(tmp_path / "wrong", Authority("Somebody else"))
    nothing = structs.replace(right, broker_certificate="", broker_key="")
    wrong = {
        "the server is a stranger's": structs.replace(right, broker_authority=stranger.broker_authority),
        "the system does not trust it": structs.replace(right, broker_authority=""),
        "we show nothing": nothing,
        "we are strangers": structs.replace(stranger, broker_authority=right.broker_authority),
    }
    refused = await asyncio.gather(*(is_refused(structs.replace(one, broker_url=server.url)) for one in wrong.values()))
    assert dict(zip(wrong, refused, strict=True)) == dict.fromkeys(wrong, True)


async def test_a_nats_that_says_it_needs_no_tls_is_not_told_a_password_in_the_clear(tmp_path: Path) -> None:
    with missing_servers_skip(), running(NatsServer) as plain:
        url = f"tls://user:password@localhost:{plain.port}"
        assert await is_refused(structs.replace(papers(tmp_path), broker_url=url))


async def test_what_gateways_share_goes_by_tls_too(redis: TlsRedis, tmp_path: Path) -> None:
    trusted, certificate, key = map(str, written(tmp_path))
    chosen = ServiceSettings(redis_url=redis.url, redis_authority=trusted, redis_certificate=certificate, redis_key=key)
    async with AsyncExitStack() as stack:
        shared = await open_shared(chosen, stack)
        jobs = await stack.enter_async_context(Jobs())
        for name, job in shared.jobs.items():
            jobs.start(name, job)
        ticket = await shared.tickets.make(UserId(UUID(int=1)), "who asks")
        assert await shared.tickets.redeem(ticket) == "who asks"
        assert not any(way.is_away or way.losses for way in shared.ways)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"broker_authority": "missing.pem"}, "SIGDEP_BROKER_AUTHORITY: .*missing.pem: no such file"),
        ({"broker_authority": "empty.pem"}, "SIGDEP_BROKER_AUTHORITY names a file without a certificate"),
        ({"broker_certificate": "certificate.pem"}, "SIGDEP_BROKER_KEY is not set"),
        ({"broker_key": "key.pem"}, "SIGDEP_BROKER_CERTIFICATE is not set"),
        ({"broker_certificate": "certificate.pem", "broker_key": "certificate.pem"}, "a certificate and its key"),
        ({"broker_url": "nats://one", "broker_authority": "authority.pem"}, "begins with tls://"),
        ({"broker_url": "tls://one,nats://two"}, "each of several servers begins with tls://"),
        ({"broker_url": "rabbitmq-stream+tls://one,rabbitmq-stream://two"}, "each of several servers begins with"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_a_sentence(given: dict[str, str], said: str, tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "empty.pem").touch()
    files = {name: value if name == "broker_url" else str(tmp_path / value) for name, value in given.items()}
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match=said):
            open_broker(ServiceSettings(**{"broker_url": "tls://one", **files}), Watch("tests", Figures()), stack)  # type: ignore[arg-type]

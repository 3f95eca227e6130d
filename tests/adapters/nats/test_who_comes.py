"""A NATS that wants to know who comes is told, and lets in nobody else."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest

from sigdep.adapters.nats.address import Address
from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.nats.connecting import Link
from sigdep.adapters.nats.credentials import Credentials
from sigdep.adapters.outages import OutOfOrder
from sigdep.kernel.ids import PARTITIONS, Partition
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import messages, said, take
from sigdep.testing.ports import HOST
from tests.adapters.nats.closed_servers import (
    USER,
    ClosedNats,
    CredentialsNats,
    Party,
    PasswordNats,
    TokenNats,
    credentials_by,
)
from tests.conftest import missing_servers_skip

WRONG: Final = "s3cret/wrong"


@pytest.fixture(scope="module", params=[PasswordNats, TokenNats])
def closed(request: pytest.FixtureRequest) -> Iterator[ClosedNats]:
    with missing_servers_skip(), running(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def operated() -> Iterator[CredentialsNats]:
    with missing_servers_skip(), running(CredentialsNats) as server:
        yield server


async def is_served(broker: NatsBroker) -> bool:
    await broker.publish("told", messages([1, 2, 3]))
    return said(await take(broker, "told", 3)) == messages([1, 2, 3])


async def refusal_by(broker: NatsBroker) -> OutOfOrder:
    try:
        with pytest.raises(
            OutOfOrder, match=r"NATS does not let us in: .*Look at the user and the password"
        ) as refused:
            await broker.publish("refused", messages([1]))
        return refused.value
    finally:
        await broker.close()


async def test_whoever_is_in_the_address_is_let_in(closed: ClosedNats) -> None:
    """Also where only one of the servers says who comes."""
    for servers in ([closed.url], [f"nats://{HOST}:{closed.port}", closed.url]):
        broker = NatsBroker(servers)
        assert await is_served(broker)
        await broker.close()


@pytest.mark.parametrize("who", ["", f"{quote(USER)}:{quote(WRONG, safe='')}@", f"{quote(WRONG, safe='')}@"])
async def test_nobody_else_is_and_no_log_tells_what_they_said(
    who: str, closed: ClosedNats, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = await refusal_by(NatsBroker([f"nats://{who}{HOST}:{closed.port}"]))
    assert WRONG not in "".join(traceback.format_exception(refused)) + caplog.text


async def test_many_readers_that_are_not_let_in_knock_once(closed: ClosedNats, monkeypatch: pytest.MonkeyPatch) -> None:
    knocks, connect = list[Link](), Link._connect

    async def counted(link: Link) -> object:
        knocks.append(link)
        return await connect(link)

    monkeypatch.setattr(Link, "_connect", counted)
    broker = NatsBroker([f"nats://{HOST}:{closed.port}"])
    lasts = (broker.last("refused", Partition(number)) for number in range(PARTITIONS))
    assert {type(one) for one in await asyncio.gather(*lasts, return_exceptions=True)} == {OutOfOrder}
    assert len(knocks) == 1
    await broker.close()


async def test_whoever_has_credentials_of_an_account_is_let_in(operated: CredentialsNats) -> None:
    broker = NatsBroker([operated.url], **Credentials.parse(credentials_by(operated.account)).options())
    assert await is_served(broker)
    await broker.close()


async def test_whoever_has_those_of_another_account_or_none_is_not(operated: CredentialsNats) -> None:
    await refusal_by(NatsBroker([operated.url]))
    await refusal_by(NatsBroker([operated.url], **Credentials.parse(credentials_by(Party("A"))).options()))


@pytest.mark.parametrize(
    "url, address",
    [
        ("nats://host", Address(host="host")),
        ("tls://host:1/", Address(scheme="tls", host="host", port=1)),
        ("nats://a%40b:p%2Fw%3A@[::1]:7", Address(host="[::1]", port=7, user="a@b", password="p/w:")),
        ("nats://p%2Fw%3A@host", Address(host="host", token="p/w:")),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address
    assert Address.parse(address.url).port == address.port


@pytest.mark.parametrize(
    "url",
    [
        "amqp://me:s3cret@host",
        "nats://",
        "nats://me:s3cret@host:port",
        "nats://me:s3cret@host:99999",
        "nats://me:s3cret@host?a=1",
        "nats://me:s3#cret@host",
        "nats://me:s3cret@host/path",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="An address of NATS is like nats://host:4222") as refused:
        NatsBroker([url])
    assert "s3" not in str(refused.value)


def test_different_people_at_one_cluster_are_refused() -> None:
    with pytest.raises(ValueError, match="Who comes is the same for all servers"):
        NatsBroker(["nats://me:s3cret@one", "nats://you:s3cret@two"])


def test_an_address_and_credentials_are_not_for_two_people() -> None:
    with pytest.raises(ValueError, match="by an address or by credentials"):
        NatsBroker(["nats://me:s3cret@one"], **Credentials.parse(credentials_by(Party("A"))).options())


def test_a_secret_is_not_shown() -> None:
    assert "s3cret" not in repr([Address.parse("nats://me:s3cret@host"), Address.parse("nats://s3cret@host")])
    credentials = credentials_by(Party("A"))
    assert not any(line in repr(Credentials.parse(credentials)) for line in credentials.split())


@pytest.mark.parametrize("cut", ["NATS USER JWT", "USER NKEY SEED"])
def test_credentials_without_one_of_their_parts_are_refused(cut: str) -> None:
    with pytest.raises(ValueError, match="are a NATS USER JWT and a USER NKEY SEED"):
        Credentials.parse(credentials_by(Party("A")).replace(f"BEGIN {cut}", "BEGIN"))


def test_a_seed_that_was_changed_or_is_not_of_a_user_is_refused() -> None:
    account, user = Party("A"), Party("U")
    written = credentials_by(account)
    seed = next(line for line in written.splitlines() if line.startswith("SU"))
    changed = seed[:-8] + ("A" if seed[-8] != "A" else "B") + seed[-7:]
    for other in (account.seed, user.seed[:-8], changed, "SU!"):
        with pytest.raises(ValueError, match="The USER NKEY SEED is not one of a user") as refused:
            Credentials.parse(written.replace(seed, other))
        assert other not in str(refused.value)

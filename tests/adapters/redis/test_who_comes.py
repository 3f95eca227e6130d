"""A Redis that wants a user and a password is told them, and nobody else is served."""

import logging
import socket
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote

import pytest

from sigdep.adapters.outages import OutOfOrder
from sigdep.adapters.redis.broker import RedisBroker
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import messages, said, take
from sigdep.testing.ports import HOST
from sigdep.testing.redis_server import RedisServer
from tests.conftest import missing_servers_skip

USER: Final = "planner@home"

PASSWORD: Final = "p@ss/w:rd?#50%"  # Everything that an address has a use of its own for.

OF_ALL: Final = "s3same"
"""The password of who names no user."""

WRONG: Final = "s3cret/wrong"


class ClosedRedis(RedisServer):
    def command(self) -> Sequence[str]:
        rights = ("~*", "&*", "+@all")
        return (*super().command(), "--requirepass", OF_ALL, "--user", USER, "on", f">{PASSWORD}", *rights)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"-NOAUTH")
        return False


@pytest.fixture(scope="module")
def closed() -> Iterator[ClosedRedis]:
    with missing_servers_skip(), running(ClosedRedis) as server:
        yield server


@pytest.mark.parametrize("who", [f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}", f":{OF_ALL}"])
async def test_whoever_is_in_the_address_is_served(who: str, closed: ClosedRedis) -> None:
    broker, topic = RedisBroker(f"redis://{who}@{HOST}:{closed.port}/0"), f"told_{len(who)}"
    await broker.publish(topic, messages([1, 2, 3]))
    assert said(await take(broker, topic, 3)) == messages([1, 2, 3])
    await broker.close()


@pytest.mark.parametrize("who", ["", f"{quote(USER)}:{quote(WRONG, safe='')}@", f":{quote(WRONG, safe='')}@"])
async def test_nobody_else_is_and_is_told_what_to_look_at(
    who: str, closed: ClosedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = RedisBroker(f"redis://{who}{HOST}:{closed.port}/0")
    with pytest.raises(
        OutOfOrder, match=r"Redis does not let us in: .*\. Look at the user and the password"
    ) as refused:
        await broker.publish("refused", messages([1]))
    assert WRONG not in "".join(traceback.format_exception(refused.value)) + caplog.text
    await broker.close()

"""A RabbitMQ lets in its user with the password, and nobody else."""

import logging
import traceback
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest

from sigdep.adapters.outages import OutOfOrder
from sigdep.adapters.rabbitmq.broker import RabbitMQBroker
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import messages, said, take
from sigdep.testing.ports import HOST
from sigdep.testing.rabbitmq_server import RabbitMQServer
from tests.conftest import missing_servers_skip

pytestmark = pytest.mark.timeout(400)  # Seconds.

USER: Final = "planner@home"

PASSWORD: Final = "p@ss/w:rd?,50%"  # What an address has a use of its own for. A # would begin a comment in the file.

WRONG: Final = "s3cret/wrong"


class OwnedRabbitMQ(RabbitMQServer):
    """It has USER, and no guest."""

    @property
    def url(self) -> str:
        return f"rabbitmq-stream://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@{HOST}:{self.port}"

    def prepare(self) -> None:
        super().prepare()
        with (self.folder / "rabbitmq.conf").open("a") as configuration:
            configuration.write(f"default_user = {USER}\ndefault_pass = {PASSWORD}\n")


@pytest.fixture(scope="module")
def owned() -> Iterator[OwnedRabbitMQ]:
    with missing_servers_skip(), running(OwnedRabbitMQ) as server:
        yield server


async def test_whoever_is_in_the_address_is_let_in(owned: OwnedRabbitMQ) -> None:
    broker = RabbitMQBroker([owned.url])
    await broker.publish("told", messages([1, 2, 3]))
    assert said(await take(broker, "told", 3)) == messages([1, 2, 3])
    await broker.close()


@pytest.mark.parametrize("who", ["", f"{quote(USER)}:{quote(WRONG, safe='')}@"])
async def test_nobody_else_is_and_is_told_what_to_look_at(
    who: str, owned: OwnedRabbitMQ, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = RabbitMQBroker([f"rabbitmq-stream://{who}{HOST}:{owned.port}"])
    with pytest.raises(OutOfOrder, match=r"RabbitMQ does not let us in: .*\. Look at the user, the pass") as refused:
        await broker.publish("refused", messages([1]))
    assert WRONG not in "".join(traceback.format_exception(refused.value)) + caplog.text
    await broker.close()

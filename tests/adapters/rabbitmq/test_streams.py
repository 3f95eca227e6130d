"""What lies in a stream is AMQP 1.0, and nothing else is taken for a message of ours."""

import pytest
from msgspec.structs import replace
from rstream import amqp_decoder

from sigdep.adapters.rabbitmq.streams import encoded, stored
from sigdep.kernel.broker import MESSAGE_BYTES_MAX
from sigdep.kernel.ids import Position, StreamId
from sigdep.testing.broker_setup import PARTITION, messages

[PLAIN] = messages([7])
LARGE = replace(PLAIN, id="i" * 256, key=StreamId("k" * 256), position=Position(2**62), body=b"b" * MESSAGE_BYTES_MAX)
ANY_BYTE = replace(PLAIN, body=bytes(range(256)))


@pytest.mark.parametrize("message", [PLAIN, LARGE, ANY_BYTE, replace(PLAIN, body=b"")], ids=lambda one: len(one.body))
def test_a_message_comes_back_as_it_was(message: object) -> None:
    assert stored(PARTITION, 3, encoded(message)).message == message  # type: ignore[arg-type]


def test_another_client_reads_it() -> None:
    found = amqp_decoder(encoded(PLAIN))
    assert found.body == PLAIN.body
    assert found.properties.message_id == PLAIN.id.encode()
    assert found.properties.group_id == PLAIN.key.encode()
    assert found.application_properties == {b"position": PLAIN.position, b"follows": PLAIN.follows}


@pytest.mark.parametrize("cut", [0, 5, 20, 60, 90, 600])
def test_a_part_of_a_message_is_none(cut: int) -> None:
    assert stored(PARTITION, 3, encoded(PLAIN)[:cut]).message is None


def test_what_is_longer_than_a_message_is_none() -> None:
    assert stored(PARTITION, 3, encoded(PLAIN) + b"more").message is None

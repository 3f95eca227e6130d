"""Addresses of RabbitMQ, and what of them may be shown."""

import pytest

from sigdep.adapters.rabbitmq.address import Address


@pytest.mark.parametrize(
    "url, address",
    [
        ("rabbitmq-stream://host", Address(host="host")),
        ("rabbitmq-stream://host:1/", Address(host="host", port=1)),
        (
            "rabbitmq-stream://me:pass@host/other",
            Address(host="host", user="me", password="pass", virtual_host="other"),
        ),
        ("rabbitmq-stream://a%40b:p%2Fw%3A@[::1]:7", Address(host="::1", port=7, user="a@b", password="p/w:")),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "amqp://me:s3cret@host",
        "rabbitmq-stream://",
        "rabbitmq-stream://me:s3cret@host:port",
        "rabbitmq-stream://me:s3cret@host:99999",
        "rabbitmq-stream://me:s3cret@host?a=1",
        "rabbitmq-stream://me:s3#cret@host",
        "me:s3cret@host",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="is like rabbitmq-stream://user:password@host:5552") as refused:
        Address.parse(url)
    assert "s3" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Address.parse("rabbitmq-stream://me:s3cret@host"))

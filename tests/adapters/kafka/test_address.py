"""Addresses of Kafka, and what of them may be shown."""

import pytest

from sigdep.adapters.kafka.address import Address


@pytest.mark.parametrize(
    "url, address",
    [
        ("kafka://one", Address(servers=[("one", 9092)])),
        ("kafka://one:1, two,[::1]:2", Address(servers=[("one", 1), ("two", 9092), ("::1", 2)])),
        ("kafka+tls://one", Address(servers=[("one", 9092)], is_tls=True)),
        ("kafka://me:pass@one,two", Address(servers=[("one", 9092), ("two", 9092)], user="me", password="pass")),
        ("kafka://a%40b:p%2Fw%3A%25@one", Address(servers=[("one", 9092)], user="a@b", password="p/w:%")),
        (
            "kafka://me:pass@one?sasl=scram-sha-256",
            Address(servers=[("one", 9092)], user="me", password="pass", mechanism="SCRAM-SHA-256"),
        ),
        (
            "kafka+tls://me:pass@one:1,two?sasl=plain",
            Address(servers=[("one", 1), ("two", 9092)], is_tls=True, user="me", password="pass", mechanism="PLAIN"),
        ),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url, said",
    [
        ("amqp://me:s3cret@host", "Kafka is given as kafka://host:port,host:port"),
        ("kafka://", "Kafka is given as"),
        ("kafka://one:9092,", "Kafka is given as"),
        ("kafka://one:99999", "Kafka is given as"),
        ("kafka://me@one", "Kafka is given as"),
        ("kafka://me:s3cret@", "Kafka is given as"),
        ("kafka://me:s3cret@host:port", "Kafka is given as"),
        ("kafka://me:s3cret@host/0", "Kafka is given as"),
        ("kafka://me:s3#cret@host", "Kafka is given as"),
        ("kafka://me:s3:cret@host", "Kafka is given as"),
        ("kafka://one,me:s3cret@two", "Kafka is given as"),
        ("kafka://me:s3cret@host?acks=1", "Kafka is given as"),
        ("kafka://me:s3cret@host?sasl=gssapi", "sasl= is one of scram-sha-512, scram-sha-256, plain"),
        ("kafka://host?sasl=scram-sha-512", "for an address with a user and a password"),
        ("kafka://me:s3cret@host?sasl=plain", "shows the password to everybody on the way: use kafka\\+tls://"),
        ("kafka://me:s3cret@localhost?sasl=plain", "shows the password to everybody on the way"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        Address.parse(url)
    assert "s3" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Address.parse("kafka://me:s3cret@host"))

"""The encryption of Web Push, by the example that its standard gives, and against another implementation."""

from os import urandom

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key, generate_private_key

from sigdep.adapters.webpush.encryption import (
    PLAIN_BYTES_MAX,
    RECORD_BYTES,
    _encrypted,
    auth_of,
    encrypted,
    receiver_of,
    unpadded,
)

# RFC 8291 §5 and Appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENT = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard() -> None:
    sender = derive_private_key(int.from_bytes(unpadded(SENDER), "big"), SECP256R1())
    assert _encrypted(PLAIN, receiver_of(RECEIVER), auth_of(AUTH), sender, unpadded(SALT)) == unpadded(SENT)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1_000, PLAIN_BYTES_MAX])
def test_another_implementation_reads_it(size: int) -> None:
    browser, auth, plain = generate_private_key(SECP256R1()), urandom(16), urandom(size)
    content = encrypted(plain, browser.public_key(), auth)
    assert http_ece.decrypt(content, private_key=browser, auth_secret=auth) == plain
    assert len(content) <= RECORD_BYTES


def test_it_is_never_the_same_twice() -> None:
    browser, auth = generate_private_key(SECP256R1()), urandom(16)
    assert encrypted(PLAIN, browser.public_key(), auth) != encrypted(PLAIN, browser.public_key(), auth)

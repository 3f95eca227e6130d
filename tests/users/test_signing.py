"""Access tokens: what is accepted, and everything that must not be."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from sigdep.services.secret_files import signing_key
from sigdep.users.credentials.signing import AccessTokens, Claims, NotOurToken, SigningKeys
from tests.users.people import ADA, NOON, SESSION, identity

ISSUER = "https://tasks.example.com"
KEY, OTHER_KEY = signing_key(), signing_key()
TOKENS = AccessTokens(SigningKeys(KEY), issuer=ISSUER, lifetime_seconds=900)
NOW = NOON.timestamp()
GOOD = TOKENS.sign(ADA, SESSION, token_id=identity(99), at=NOON)


def private(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def forged(*, key: Any = None, algorithm: str = "EdDSA", header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = jwt.decode(GOOD, options={"verify_signature": False}) | changes
    headers = {"typ": "at+jwt", "kid": TOKENS.keys.kid} | (header or {})
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key or private(KEY), algorithm, headers=headers)


def unsigned(algorithm: str) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    claims = jwt.decode(GOOD, options={"verify_signature": False})
    return f"{part({'alg': algorithm, 'typ': 'at+jwt', 'kid': TOKENS.keys.kid})}.{part(claims)}."


def public_octets(encoding: Encoding, form: PublicFormat) -> bytes:
    return private(KEY).public_key().public_bytes(encoding, form)


def test_a_token_of_ours_is_accepted_until_it_expires() -> None:
    assert TOKENS.verify(GOOD, now=NOW) == Claims(ADA, SESSION, NOW + 900)
    assert TOKENS.verify(GOOD, now=NOW + 899).user_id == ADA
    with pytest.raises(NotOurToken):
        TOKENS.verify(GOOD, now=NOW + 900)


def test_a_token_says_what_rfc_9068_asks_of_it() -> None:
    header, claims = jwt.get_unverified_header(GOOD), jwt.decode(GOOD, options={"verify_signature": False})
    assert (header["typ"], header["alg"], header["kid"]) == ("at+jwt", "EdDSA", TOKENS.keys.kid)
    assert set(claims) == {"iss", "aud", "sub", "sid", "client_id", "jti", "iat", "exp"}


def test_forging_with_nothing_changed_gives_a_good_token() -> None:
    """Otherwise the refusals below would prove nothing."""
    assert TOKENS.verify(forged(), now=NOW).user_id == ADA


FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "EdDSA without a signature": lambda: unsigned("EdDSA"),
    "HS256 with the public key's bytes": lambda: forged(
        key=public_octets(Encoding.Raw, PublicFormat.Raw), algorithm="HS256"
    ),
    "HS256 with its base64": lambda: forged(key=TOKENS.keys.public.keys[0].x.ljust(64, "="), algorithm="HS256"),
    "ES256": lambda: forged(key=generate_private_key(SECP256R1()), algorithm="ES256"),
    "another key under our kid": lambda: forged(key=private(OTHER_KEY)),
    "another key under its own kid": lambda: forged(key=private(OTHER_KEY), header={"kid": SigningKeys(OTHER_KEY).kid}),
    "a kid that is a path": lambda: forged(header={"kid": "../../secrets/users.key"}),
    "a key brought along": lambda: forged(
        key=private(OTHER_KEY), header={"jwk": OKPAlgorithm.to_jwk(private(OTHER_KEY).public_key(), as_dict=True)}
    ),
    "no kid": lambda: forged(header={"kid": ""}),
    "an id token": lambda: forged(header={"typ": "JWT"}),
    "no type": lambda: forged(header={"typ": None}),
    "another audience": lambda: forged(aud="https://other.example.com"),
    "no audience": lambda: forged(aud=None),
    "another issuer": lambda: forged(iss="https://other.example.com"),
    "no issuer": lambda: forged(iss=None),
    "expired": lambda: forged(exp=int(NOW) - 1),
    "no expiry": lambda: forged(exp=None),
    "an expiry that is no number": lambda: forged(exp="9999999999"),
    "an expiry that is true": lambda: forged(exp=True),
    "not yet valid": lambda: forged(nbf=int(NOW) + 60),
    "issued in the future": lambda: forged(iat=int(NOW) + 60),
    "no session": lambda: forged(sid=None),
    "a session that is no id": lambda: forged(sid="everybody"),
    "no subject": lambda: forged(sub=None),
    "a subject that is no id": lambda: forged(sub="admin"),
    "an altered signature": lambda: GOOD[:-4] + ("AAAA" if GOOD[-4:] != "AAAA" else "BBBB"),
    "other claims under the signature": lambda: ".".join(
        (GOOD.split(".")[0], forged(sub=str(identity(2))).split(".")[1], GOOD.split(".")[2])
    ),
    "no token at all": lambda: "",
    "dots": lambda: "..",
    "garbage": lambda: "\x00é.Ā." * 40,
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forgery_is_refused(forgery: str) -> None:
    with pytest.raises(NotOurToken):
        TOKENS.verify(FORGERIES[forgery](), now=NOW)


def test_both_keys_of_a_rotation_verify_and_the_new_one_signs() -> None:
    rotated = AccessTokens(SigningKeys(OTHER_KEY, KEY), issuer=ISSUER)
    assert rotated.verify(GOOD, now=NOW).user_id == ADA
    new = rotated.sign(ADA, SESSION, token_id=identity(98), at=NOON)
    assert jwt.get_unverified_header(new)["kid"] == SigningKeys(OTHER_KEY).kid
    with pytest.raises(NotOurToken):
        TOKENS.verify(new, now=NOW)


def test_anybody_can_verify_with_the_published_keys_alone() -> None:
    published = SigningKeys(OTHER_KEY, KEY).public
    (jwk,) = [key for key in published.keys if key.kid == jwt.get_unverified_header(GOOD)["kid"]]
    members = {name: getattr(jwk, name) for name in ("kty", "crv", "x", "kid", "alg", "use")}
    key = jwt.PyJWK.from_dict(members)
    claims = jwt.decode(GOOD, key, audience=ISSUER, issuer=ISSUER, options={"verify_exp": False, "verify_iat": False})
    assert claims["sub"] == str(ADA)
    assert len(published.keys) == 2


def test_no_private_part_is_published() -> None:
    assert not hasattr(TOKENS.keys.public.keys[0], "d")
    private_octets = private(KEY).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    secret = base64.urlsafe_b64encode(private_octets).decode().rstrip("=")
    assert secret not in repr(TOKENS.keys.public)


def test_a_token_lives_for_fifteen_minutes_at_most() -> None:
    with pytest.raises(ValueError, match="900"):
        AccessTokens(SigningKeys(KEY), issuer=ISSUER, lifetime_seconds=901)


def test_a_clock_that_is_a_little_behind_is_forgiven() -> None:
    assert TOKENS.verify(GOOD, now=(NOON - timedelta(seconds=4)).timestamp()).user_id == ADA


def test_another_kind_of_key_is_refused() -> None:
    key = generate_private_key(SECP256R1())
    with pytest.raises(ValueError, match="Ed25519"):
        SigningKeys(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

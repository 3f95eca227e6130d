"""Tokens that we have not made, or not for this: each is refused like every other, and nothing is told."""

import base64
import json
import time
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sigdep.testing.running_server import RunningServer
from tests.patience import patience
from tests.system.person import JSON, Person, new_id, problem

ANSWER_SECONDS_MAX = 2.0


async def test_tokens_that_are_none_of_ours_are_refused(server: RunningServer, ada: Person) -> None:
    for what, authorization in _forged(server, ada.token):
        started = time.perf_counter()
        headers = {"Authorization": authorization}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as client:
            for method, path in (("GET", "/api/tasks"), ("POST", "/api/tasks"), ("GET", "/api/users/me")):
                answer = await client.request(method, path, json={"title": "Sly"} if method == "POST" else None)
                assert answer.status_code == 401, f"{what}: {method} {path} → {answer.status_code}: {answer.text}"
                assert "WWW-Authenticate" in answer.headers
                assert problem(answer, 401)["type"].endswith("/unauthenticated")
        assert time.perf_counter() - started < patience(ANSWER_SECONDS_MAX)
    assert await ada.items("/api/tasks") == []


def _forged(server: RunningServer, genuine: str) -> list[tuple[str, str]]:
    header, claims = jwt.get_unverified_header(genuine), jwt.decode(genuine, options={"verify_signature": False})
    head, payload, signature = genuine.split(".")
    pem = next(path for path in (server.data / "secrets").iterdir() if b"PRIVATE KEY" in path.read_bytes()).read_bytes()
    public = httpx.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json()["keys"][0]
    others = Ed25519PrivateKey.generate()
    now = int(time.time())

    def signed(key: Any, extra: JSON, *, algorithm: str = "EdDSA", **headers: object) -> str:
        named = {**header, "alg": algorithm, **headers}
        return "Bearer " + jwt.encode({**claims, **extra}, key, algorithm, headers=named)

    def raw(head: object, payload: object, end: str = "") -> str:
        parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, payload))
        return "Bearer " + ".".join((*parts, end))

    flipped = signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]
    return [
        ("alg none", raw({**header, "alg": "none"}, claims)),
        ("alg None", raw({**header, "alg": "None"}, claims, signature)),
        ("no alg", raw({"typ": "at+jwt", "kid": header["kid"]}, claims, signature)),
        ("alg is a list", raw({**header, "alg": ["EdDSA"]}, claims, signature)),
        ("HS256 with our public key", signed(base64.urlsafe_b64decode(public["x"] + "=" * 3), {}, algorithm="HS256")),
        ("another's key", signed(others, {})),
        ("another's key with its own header", signed(others, {}, jwk={**public}, jku="http://127.0.0.1:1/")),
        ("a key that is a path", signed(others, {}, kid="../../../dev/null")),
        ("a key that is no text", raw({**header, "kid": {"a": 1}}, claims, signature)),
        ("another type", signed(pem, {}, typ="JWT")),
        ("expired", signed(pem, {"iat": now - 1_000, "exp": now - 100})),
        ("issued in the future", signed(pem, {"iat": now + 1_000, "exp": now + 1_900})),
        ("not valid yet", signed(pem, {"nbf": now + 1_000})),
        ("another issuer", signed(pem, {"iss": "https://example.org"})),
        ("another audience", signed(pem, {"aud": "https://example.org"})),
        ("nobody", signed(pem, {"sub": "nobody"})),
        ("somebody who does not exist", signed(pem, {"sub": new_id()})),
        ("a session that does not exist", signed(pem, {"sid": new_id()})),
        ("expiry is a text", signed(pem, {"jti": 7, "iat": now, "exp": now + 100, "sid": None})),
        ("another person in the claims", f"Bearer {head}.{_swapped(payload)}.{signature}"),
        ("one bit of the signature", f"Bearer {head}.{payload}.{flipped}"),
        ("no signature", f"Bearer {head}.{payload}."),
        ("garbage", "Bearer garbage"),
        ("dots", "Bearer ..."),
        ("no token", "Bearer"),
        ("an API token that was never made", "Bearer sigdep_" + "a" * 43),
        ("an API token that is too short", "Bearer sigdep_"),
        ("very long", "Bearer " + "a" * 6_000),
        ("Basic", "Basic " + base64.b64encode(b"ada:secret").decode()),
        ("no scheme", genuine),
        ("two tokens", f"Bearer {genuine}, Bearer {genuine}"),
    ]


def _swapped(payload: str) -> str:
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**claims, "sub": new_id()}).encode()).rstrip(b"=").decode()

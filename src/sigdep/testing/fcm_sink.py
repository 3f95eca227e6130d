"""Google's push service and its tokens, as far as a server meets them, judged by Google's own description."""

import secrets
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sigdep.testing.channel_sink import Trouble
from sigdep.testing.google_schemas import fcm_requests
from sigdep.testing.http_sink import HttpSink

PROJECT: Final = "sigdep-test"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
BYTES_MAX: Final = 4_096
EMAIL: Final = "sender@sigdep-test.iam.gserviceaccount.com"

_REFUSALS: Final[dict[Trouble, tuple[int, str, str]]] = {
    "busy": (503, "UNAVAILABLE", "UNAVAILABLE"),
    "refusing": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    "gone": (404, "NOT_FOUND", "UNREGISTERED"),
}


class FcmSink(HttpSink):
    """Lets in who shows a token that it has given, and gives one to who signs with the account's key."""

    def __init__(self) -> None:
        super().__init__()
        self._key = generate_private_key(public_exponent=65_537, key_size=2_048)
        self.granted: list[str] = []
        """Every token that it has given."""
        self.good: set[str] = set()
        """Those that let in. A test takes one away, as Google does."""
        self.lasts_seconds = 3_600
        self.grants = True

    @property
    def account(self) -> bytes:
        """The file of the service account."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return msgspec.json.encode(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": key,
                "client_email": EMAIL,
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    async def aside(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path == "/token":
            return self._grant(parse_qs(body.decode()))
        authorization = request.headers.get("Authorization", "")
        if authorization.removeprefix("Bearer ") not in self.good:
            return _failure(401, "UNAUTHENTICATED", "")
        return None

    def _grant(self, form: dict[str, list[str]]) -> web.Response:
        try:
            assert form["grant_type"] == [GRANT]
            public = self._key.public_key()
            claims = jwt.decode(form["assertion"][0], public, algorithms=["RS256"], audience=f"{self.url}/token")
            assert (claims["iss"], claims["scope"]) == (EMAIL, SCOPE)
            assert 0 < claims["exp"] - claims["iat"] <= 3_600
        except (AssertionError, KeyError, jwt.PyJWTError) as error:
            self.records.faults.append(f"The assertion is not good: {error!r}.")
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not self.grants:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = f"ya29.{secrets.token_urlsafe(16)}"
        self.granted.append(token)
        self.good.add(token)
        granted = {"access_token": token, "expires_in": self.lasts_seconds, "token_type": "Bearer"}
        return web.json_response(granted)

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        sent: Any = msgspec.json.decode(body)
        faults = [error.message for error in fcm_requests().iter_errors(sent)]
        if request.path != f"/v1/projects/{PROJECT}/messages:send":
            faults.append(f"There is nothing at {request.path}.")
        if len(body) > BYTES_MAX:
            faults.append(f"The message has {len(body)} bytes.")
        if faults:
            self.records.faults += faults
            return _failure(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
        message = sent["message"]
        shown = message["notification"]
        self.records.take(message["data"]["key"], shown["title"], shown["body"], raw=message)
        return web.json_response({"name": f"projects/{PROJECT}/messages/{self.records.asked}"})

    def refusal(self, trouble: Trouble) -> web.Response:
        answer = _failure(*_REFUSALS[trouble])
        if self.records.wait_seconds is not None:
            answer.headers["Retry-After"] = str(self.records.wait_seconds)
        return answer


def _failure(status: int, word: str, code: str) -> web.Response:
    """In the form of all of Google's APIs."""
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    details = [detail] if code else []
    error = {"code": status, "message": "It says why.", "status": word, "details": details}
    return web.json_response({"error": error}, status=status)

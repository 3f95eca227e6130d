"""The channel to phones: what Google passes on to Android, to Apple's devices, and to browsers."""

from collections.abc import Callable
from time import time
from typing import Any, Final

import msgspec
from msgspec import Struct

from sigdep.adapters.fcm.account import FcmAccount, NotLetIn, Tokens
from sigdep.adapters.fcm.payload import encode, path
from sigdep.adapters.outgoing.addresses import AddressRefused
from sigdep.adapters.outgoing.answers import Answer, NoAnswer
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.kernel.channel import Message, Outcome, Postponed, Sent, Undeliverable

SECONDS_MAX: Final = 15.0
TOKEN_CHARACTERS_MAX: Final = 2_048
ENDPOINT: Final = "https://fcm.googleapis.com"

UNAVAILABLE_SECONDS: Final = 10.0
OVERRUN_SECONDS: Final = 60.0
"""For as long Google asks everybody to wait at least, where its answer does not say for how long."""


class FcmTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app on one device, as Firebase has registered it."""

    token: str

    def __repr__(self) -> str:
        return "FcmTarget(…)"


_decode: Final = msgspec.json.Decoder(FcmTarget).decode


class FcmChannel:
    """Firebase Cloud Messaging, HTTP v1. Google knows no keys: a repeat takes the place of what is shown by its tag."""

    def __init__(
        self,
        outgoing: Outgoing,
        account: FcmAccount,
        *,
        endpoint: str = ENDPOINT,
        seconds: float = SECONDS_MAX,
        now: Callable[[], float] = time,
    ) -> None:
        """
        Args:
            outgoing: closed with the channel. Google's addresses are the operator's to choose: it permits any.
            seconds: for each of at most four requests, two of them for tokens.
            now: seconds since 1970.
        """
        self._outgoing, self._seconds, self._now = outgoing, seconds, now
        self._url: Final = endpoint.rstrip("/") + path(account)
        self._tokens: Final = Tokens(account, outgoing, now, seconds)

    def objection(self, target: bytes) -> str | None:
        try:
            token = _decode(target).token
        except msgspec.MsgspecError:
            return "A device has the token that Firebase has given it."
        if not 0 < len(token) <= TOKEN_CHARACTERS_MAX or not token.isascii() or not token.isprintable():
            return f"A device's token has 1 to {TOKEN_CHARACTERS_MAX} characters of ASCII."
        return None

    async def send(self, target: bytes, message: Message) -> Outcome:
        if (objection := self.objection(target)) is not None:
            return Undeliverable(reason=objection)
        body = encode(message, _decode(target).token, self._now())
        if body is None:
            return Undeliverable(reason="The message does not fit into a push, even without its texts.")
        try:
            answer = await self._post(body)
        except NotLetIn as refused:
            return Postponed(reason=str(refused), after_seconds=OVERRUN_SECONDS)
        except (NoAnswer, AddressRefused) as error:
            return Postponed(reason=str(error), after_seconds=UNAVAILABLE_SECONDS)
        return _outcome(answer)

    async def _post(self, body: bytes) -> Answer:
        token = await self._tokens.current()
        answer = await self._posted(body, token)
        if answer.status != 401:
            return answer
        self._tokens.forget(token)  # It may have been withdrawn before its time.
        return await self._posted(body, await self._tokens.current())

    async def _posted(self, body: bytes, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._outgoing.post(self._url, body, headers, seconds=self._seconds)

    async def close(self) -> None:
        await self._outgoing.close()


def _outcome(answer: Answer) -> Outcome:
    status, said = answer.status, _decoded(answer.body)
    if status == 200:
        return Sent(reference=str(said.get("name", "")))
    code = _code(said)
    told = f"{status}, {code}" if code else str(status)
    if status == 404 and code == "UNREGISTERED":
        return Undeliverable(reason=f"The app is not registered on this device any more ({told}).", target_is_gone=True)
    if status == 429:
        wait = answer.retry_after_seconds
        return Postponed(reason=f"Google takes no more just now ({told}).", after_seconds=wait or OVERRUN_SECONDS)
    if status >= 500:
        wait = max(answer.retry_after_seconds or 0.0, UNAVAILABLE_SECONDS)
        return Postponed(reason=f"Google cannot take it just now ({told}).", after_seconds=wait)
    if status == 401 or code == "PERMISSION_DENIED" or 300 <= status < 400:
        reason = f"Google does not let this server's account send ({told}): see SIGDEP_FCM_ACCOUNT."
        return Postponed(reason=reason, after_seconds=OVERRUN_SECONDS)
    return Undeliverable(reason=f"Google refuses it ({told}).")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


class _Detail(Struct):
    error_code: str = msgspec.field(default="", name="errorCode")


class _Error(Struct):
    status: str = ""
    details: tuple[_Detail, ...] = ()


def _code(said: dict[str, Any]) -> str:
    """The code of the push service where there is one, else that of Google's APIs in general."""
    try:
        error = msgspec.convert(said.get("error", {}), _Error)
    except msgspec.ValidationError:
        return ""
    code = next((detail.error_code for detail in error.details if detail.error_code), error.status)
    return code if code.replace("_", "").isalnum() and len(code) <= 64 else ""

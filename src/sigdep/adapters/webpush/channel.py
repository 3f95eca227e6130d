"""The channel to browsers: what a push service passes on, without being able to read it."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from sigdep.adapters.outgoing.addresses import AddressRefused
from sigdep.adapters.outgoing.answers import Answer, NoAnswer
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.outgoing.fitting import fitting
from sigdep.kernel.channel import Message, Outcome, Postponed, Sent, Undeliverable

if TYPE_CHECKING:
    from sigdep.adapters.webpush.vapid import Vapid

SECONDS_MAX: Final = 15.0

GONE: Final = frozenset((404, 410))
"""RFC 8030 §7.3: the subscription has ended."""


class BrowserKeys(Struct, frozen=True, kw_only=True):
    """Made by the browser, in Base64 for URLs."""

    p256dh: str
    auth: str


class WebPushTarget(Struct, frozen=True, kw_only=True):
    """A `PushSubscription`, as the browser's `toJSON()` gives it."""

    endpoint: str
    keys: BrowserKeys

    def __repr__(self) -> str:
        return "WebPushTarget(…)"


class _Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page's service worker is given."""

    key: str
    kind: str
    title: str
    body: str = ""
    link: str | None = None
    occurred_at: str


_decode: Final = msgspec.json.Decoder(WebPushTarget).decode


class WebPushChannel:
    """Web Push: RFC 8030, with the encryption of RFC 8291 and the signature of RFC 8292."""

    def __init__(
        self,
        outgoing: Outgoing,
        key: bytes,
        *,
        subject: str = "",
        seconds: float = SECONDS_MAX,
        now: Callable[[], float] = time,
    ) -> None:
        """
        Args:
            outgoing: closed with the channel.
            key: PEM, of P-256: a subscription is bound to it, so that another ends them all.
            subject: whom a push service can write to: a mailto: or https: URL.
        """
        self._outgoing, self._seconds, self._now = outgoing, seconds, now
        self._key, self._subject = key, subject

    @cached_property
    def vapid(self) -> "Vapid":
        """What browsers and push services know this server by. Loads what signs, which is not needed before."""
        from sigdep.adapters.webpush.vapid import Vapid  # noqa: PLC0415

        return Vapid(self._key, self._subject, self._now)

    def objection(self, target: bytes) -> str | None:
        from sigdep.adapters.webpush.encryption import auth_of, receiver_of  # noqa: PLC0415

        try:
            aim = _decode(target)
            self._outgoing.rules.check(aim.endpoint)
            receiver_of(aim.keys.p256dh)
            auth_of(aim.keys.auth)
        except AddressRefused as refused:
            return str(refused)
        except ValueError:  # Also what msgspec raises.
            return "A subscription is what the browser gives: an endpoint, and the keys p256dh and auth."
        return None

    async def send(self, target: bytes, message: Message) -> Outcome:
        if (objection := self.objection(target)) is not None:
            return Undeliverable(reason=objection)
        from sigdep.adapters.webpush.encryption import (  # noqa: PLC0415
            PLAIN_BYTES_MAX,
            auth_of,
            encrypted,
            receiver_of,
        )

        aim, plain = _decode(target), fitting(message, _told, PLAIN_BYTES_MAX)
        if plain is None:
            return Undeliverable(reason="The message does not fit into a push, even without its texts.")
        body = encrypted(plain, receiver_of(aim.keys.p256dh), auth_of(aim.keys.auth))
        try:
            headers = self._headers(aim.endpoint, message)
            return _outcome(await self._outgoing.post(aim.endpoint, body, headers, seconds=self._seconds))
        except AddressRefused as refused:
            return Undeliverable(reason=str(refused))
        except NoAnswer as error:
            return Postponed(reason=str(error))

    def _headers(self, endpoint: str, message: Message) -> Mapping[str, str]:
        return {
            "Authorization": self.vapid.authorization(endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.keep_seconds),
            "Topic": topic_of(message.key),
            "Urgency": "high" if message.urgent else "normal",
        }

    async def close(self) -> None:
        await self._outgoing.close()


def topic_of(key: str) -> str:
    """The same for the same key: a push that waits is replaced by its repeat. At most 32 characters (RFC 8030 §5.4)."""
    return urlsafe_b64encode(sha256(key.encode()).digest()[:24]).decode()


def _told(message: Message) -> bytes:
    return msgspec.json.encode(
        _Told(
            key=message.key,
            kind=message.kind,
            title=message.title,
            body=message.body,
            link=message.link,
            occurred_at=message.occurred_at.isoformat(),
        )
    )


def _outcome(answer: Answer) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Sent()
    if status in GONE:
        return Undeliverable(reason=f"The browser's subscription has ended ({status}).", target_is_gone=True)
    if status == 429 or status >= 500:
        reason = f"The push service cannot take it just now ({status})."
        return Postponed(reason=reason, after_seconds=answer.retry_after_seconds)
    if 300 <= status < 400:
        return Undeliverable(reason=f"The push service sends us elsewhere ({status}), where we do not follow.")
    return Undeliverable(reason=f"The push service refuses it ({status}).")

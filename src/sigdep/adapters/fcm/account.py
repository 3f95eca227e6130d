"""The account of Google's that this server sends as, and the tokens that it is let in with."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from sigdep.adapters.outgoing.client import Outgoing

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS: Final = 3_600
RENEWED_SECONDS_BEFORE: Final = 300.0
LIFE_SECONDS_MAX: Final = 3_600.0


class NotLetIn(Exception):
    """Google gives this account no token just now. The text is a sentence that says why."""


class FcmAccount(Struct, frozen=True, kw_only=True):
    """A service account, as the file holds it that Google's console makes."""

    project_id: str
    client_email: str
    private_key: str
    """RSA, PEM."""
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 # An address.

    def __repr__(self) -> str:
        return f"FcmAccount({self.client_email})"

    @classmethod
    def parse(cls, file: bytes) -> "FcmAccount":
        """
        Raises:
            ValueError: it is no service account's file. The text quotes nothing of it.
        """
        try:
            account = msgspec.json.decode(file, type=cls)
        except msgspec.MsgspecError:
            raise ValueError("This is no service account's key in JSON, as Google's console makes it.") from None
        if not account.project_id or "PRIVATE KEY" not in account.private_key:
            raise ValueError("This service account's file has no project, or no private key.")
        return account


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: float = LIFE_SECONDS_MAX


class Tokens:
    """An access token at a time, fetched when there is none that lasts: once, however many wait for it."""

    def __init__(self, account: FcmAccount, outgoing: Outgoing, now: Callable[[], float], seconds: float) -> None:
        self._account, self._outgoing, self._now, self._seconds = account, outgoing, now, seconds
        self._token, self._good_until = "", 0.0
        self._fetching: Final = asyncio.Lock()

    async def current(self) -> str:
        """
        Raises:
            NotLetIn: Google refuses the account.
            NoAnswer: Google cannot be reached.
        """
        async with self._fetching:
            now = self._now()
            if not now < self._good_until <= now + LIFE_SECONDS_MAX:  # Also where the clock was set back.
                granted = await self._fetch(now)
                life = min(granted.expires_in, LIFE_SECONDS_MAX)
                self._token, self._good_until = granted.access_token, now + life - min(RENEWED_SECONDS_BEFORE, life / 2)
            return self._token

    def forget(self, token: str) -> None:
        """It has been refused: fetch another. Safe to repeat."""
        if token == self._token:
            self._good_until = 0.0

    async def _fetch(self, now: float) -> _Granted:
        body = f"grant_type={GRANT.replace(':', '%3A')}&assertion={self._assertion(now)}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._outgoing.post(self._account.token_uri, body, headers, seconds=self._seconds)
        if answer.status != 200:
            raise NotLetIn(f"Google does not let this server's account in ({answer.status}): see SIGDEP_FCM_ACCOUNT.")
        try:
            return msgspec.json.decode(answer.body, type=_Granted)
        except msgspec.MsgspecError:
            raise NotLetIn("What answers where Google gives tokens gives none.") from None

    def _assertion(self, now: float) -> str:
        """Who we are, signed with the account's key (RFC 7523)."""
        import jwt  # noqa: PLC0415 # Loaded when the first push leaves.

        account = self._account
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
        }
        try:
            return jwt.encode(claims, account.private_key, algorithm="RS256", headers={"kid": account.private_key_id})
        except (ValueError, TypeError, jwt.PyJWTError):
            raise NotLetIn("The private key in the file of SIGDEP_FCM_ACCOUNT cannot be read.") from None

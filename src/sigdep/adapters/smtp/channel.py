"""The channel to e-mail addresses."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Final

import aiosmtplib
import msgspec
from msgspec import Struct

from sigdep.adapters.smtp.letter import date_of, letter, message_id
from sigdep.adapters.smtp.mailbox import Mailbox
from sigdep.adapters.smtp.server import MailServer
from sigdep.adapters.smtp.sessions import Sessions
from sigdep.kernel.channel import Message, Outcome, Postponed, Sent, Undeliverable

SECONDS_MAX: Final = 30.0
"""For one e-mail, with the greeting, where it needs one."""

NO_SUCH_MAILBOX: Final = frozenset(("5.1.1", "5.1.6", "5.1.10"))
"""RFC 3463 §3.2 and RFC 7505: a bare 550 may also mean that we are not wanted."""

_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)", re.ASCII)


class SmtpTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody's address."""

    address: str
    name: str = ""

    def __repr__(self) -> str:
        return "SmtpTarget(…)"


_decode: Final = msgspec.json.Decoder(SmtpTarget).decode


class SmtpChannel:
    """E-mail by way of one mail server. It knows no keys: the Message-ID is made of the key, and the same each time."""

    def __init__(
        self, server: MailServer, sender: Mailbox, *, seconds: float = SECONDS_MAX, authority: bytes | None = None
    ) -> None:
        """
        Args:
            authority: PEM: who signs the server's certificate. None: whom this system trusts.
        """
        self._sender, self._seconds = sender, seconds
        self._sessions: Final = Sessions(server, authority, seconds)
        self._closed = False

    def objection(self, target: bytes) -> str | None:
        try:
            _receiver(target)
        except msgspec.MsgspecError:
            return "A target of e-mail has an address, and maybe a name."
        except ValueError as error:
            return str(error)
        return None

    async def send(self, target: bytes, message: Message) -> Outcome:
        if (objection := self.objection(target)) is not None:
            return Undeliverable(reason=objection)
        if self._closed:
            return Postponed(reason="This server is stopping.")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._hand_over(_receiver(target), message)
        except TimeoutError:
            return Postponed(reason=f"The mail server has not taken it within {self._seconds:g} s.")
        except aiosmtplib.SMTPException as error:
            return _outcome(error)
        except (OSError, ValueError) as error:
            return Postponed(reason=f"The mail server cannot be reached ({type(error).__name__}).")

    async def _hand_over(self, receiver: Mailbox, message: Message) -> Outcome:
        content = letter(message, self._sender, receiver, date_of(datetime.now(UTC)))
        async with self._sessions.session() as session:
            beyond_ascii = not (receiver.is_ascii and self._sender.is_ascii)
            if beyond_ascii and not session.supports_extension("smtputf8"):
                return Undeliverable(reason="The mail server takes addresses of ASCII only.")
            encoding = "utf-8" if beyond_ascii else "ascii"
            options = ["SMTPUTF8"] if beyond_ascii else []
            await session.mail(self._sender.address, options=options, encoding=encoding)
            await session.rcpt(receiver.address, encoding=encoding)
            await session.data(content)
        return Sent(reference=message_id(message.key, self._sender))

    async def close(self) -> None:
        self._closed = True
        await self._sessions.close()


def _receiver(target: bytes) -> Mailbox:
    aim = _decode(target)
    return Mailbox.parse(aim.address, aim.name)


def _outcome(error: aiosmtplib.SMTPException) -> Outcome:
    """Without what the server says in words: it quotes the address."""
    match error:
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPSenderRefused() | aiosmtplib.SMTPDataError() if (
            error.code >= 500
        ):
            found = _ENHANCED.match(error.message)
            detail = found[1] if found else ""
            gone = isinstance(error, aiosmtplib.SMTPRecipientRefused) and detail in NO_SUCH_MAILBOX
            told = f"{error.code} {detail}".strip()
            return Undeliverable(reason=f"The mail server refuses it ({told}).", target_is_gone=gone)
        case aiosmtplib.SMTPAuthenticationError():
            return Postponed(reason=f"The mail server does not let us in ({error.code}): see SIGDEP_SMTP_URL.")
        case aiosmtplib.SMTPResponseException():
            return Postponed(reason=f"The mail server cannot take it just now ({error.code}).")
        case aiosmtplib.SMTPNotSupported():
            return Postponed(reason="The mail server cannot do what SIGDEP_SMTP_URL demands: see its scheme.")
        case aiosmtplib.SMTPTimeoutError():
            return Postponed(reason="The mail server has not answered in time.")
        case _:
            return Postponed(reason=f"The connection to the mail server was lost ({type(error).__name__}).")

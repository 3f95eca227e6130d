"""A mail server that keeps what it takes, and checks that it is one message with the headers that belong there."""

import asyncio
import ssl
import warnings
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sigdep.testing.channel_sink import Records

HOST: Final = "127.0.0.1"
_ONCE: Final = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")


class SmtpSink:
    """Speaks SMTP by aiosmtpd, with STARTTLS and a password where it is given them."""

    def __init__(self, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
        self.records = Records()
        self.sessions = 0
        """How often it has been connected to."""
        self.answers: dict[str, str] = {}
        """By command, what it says in place of what it would: `{"MAIL": "550 5.7.1 No"}`."""
        self._tls, self._login = tls, login
        self._server: asyncio.Server | None = None
        self._open: set[SMTP] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._session, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.records.closed.set()
        if self._server is not None:
            self._server.close()
            self.hang_up()
            await asyncio.sleep(0)
            self._server = None

    def hang_up(self) -> None:
        """Close every connection, as servers do with those that say nothing for long."""
        for session in self._open:
            _abort(session)
        self._open.clear()

    def _session(self) -> SMTP:
        self.sessions += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # That a password without TLS is unwise: here it is the test's to choose.
            session = SMTP(
                self,
                hostname="sink.example",
                enable_SMTPUTF8=True,
                tls_context=self._tls,
                require_starttls=self._tls is not None,
                auth_required=self._login is not None,
                auth_require_tls=self._tls is not None,
                authenticator=self._authenticate,
                loop=asyncio.get_running_loop(),
            )
        self._open.add(session)
        return session

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, shown: Any
    ) -> AuthResult:
        known = self._login is not None and shown == LoginPassword(*(part.encode() for part in self._login))
        return AuthResult(success=known, handled=False)

    async def handle_MAIL(  # noqa: N802 # aiosmtpd's name.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("MAIL", "250 2.1.0 OK")

    async def handle_RCPT(  # noqa: N802 # aiosmtpd's name.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.records.ask()
        match self.records.trouble:
            case "busy":
                return "450 4.2.1 Not now"
            case "refusing":
                return "550 5.7.1 Not from you"
            case "gone":
                return f"550 5.1.1 <{address}>: nobody here has that name"
            case _:
                pass
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 2.1.5 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name.
        match self.records.trouble:
            case "silent":
                await self.records.closed.wait()
            case "cut":
                _abort(server)
                return "250 Nobody hears this"
            case _:
                pass
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.records.faults += _faults(message, envelope)
        plain = message.get_body(("plain",))
        title, body = str(message["Subject"]), "" if plain is None else plain.get_content()
        key = str(message["Message-ID"]).strip("<>").rpartition("@")[0]
        self.records.take(key, title, body, raw=(message, envelope))
        return self.answers.get("DATA", "250 2.0.0 Taken")


def _abort(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.WriteTransport):
        session.transport.abort()


def _faults(message: EmailMessage, envelope: Envelope) -> list[str]:
    faults = [f"There are {len(found)} {name}." for name in _ONCE if len(found := message.get_all(name, [])) != 1]
    faults += [f"{defect!r}" for part in message.walk() for defect in part.defects]
    if len(envelope.rcpt_tos) != 1:
        faults.append(f"It goes to {len(envelope.rcpt_tos)} addresses.")
    if message.get_content_type() != "multipart/alternative":
        faults.append(f"It is {message.get_content_type()}.")
    return faults

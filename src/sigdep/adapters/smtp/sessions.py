"""Connections to the mail server: a few, kept for a while, so that not every e-mail needs a greeting of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Final

import aiosmtplib
from aiosmtplib import SMTP

from sigdep.adapters.smtp.server import MailServer

SESSIONS_MAX: Final = 8
KEPT_SECONDS: Final = 20.0
"""Mail servers wait for longer, and say when they do not."""


class Sessions:
    """Each is used by one e-mail at a time. One in which something went wrong is not used again."""

    def __init__(self, server: MailServer, authority: bytes | None, seconds: float) -> None:
        self._server, self._authority, self._seconds = server, authority, seconds
        self._turns: Final = asyncio.Semaphore(SESSIONS_MAX)
        self._idle: list[tuple[SMTP, float]] = []
        self._busy: set[SMTP] = set()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SMTP]:
        """
        Raises:
            SMTPException: the server cannot be reached, or does not let us in.
        """
        async with self._turns:
            session = await self._kept() or await self._opened()
            self._busy.add(session)
            try:
                yield session
            except BaseException:
                session.close()
                raise
            finally:
                self._busy.discard(session)
            self._idle.append((session, asyncio.get_running_loop().time()))

    async def _kept(self) -> SMTP | None:
        """One that has been used, and answers still."""
        while self._idle:
            session, used_at = self._idle.pop()
            if session.is_connected and asyncio.get_running_loop().time() - used_at < KEPT_SECONDS:
                try:
                    await session.rset()
                except (aiosmtplib.SMTPException, OSError):
                    session.close()
                else:
                    return session
            session.close()
        return None

    async def _opened(self) -> SMTP:
        server = self._server
        session = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=self._seconds,
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",
            tls_context=None if server.encryption == "none" else self._context,
        )
        try:
            await session.connect()
            if session.is_ehlo_or_helo_needed:  # What it can do is asked for before it is needed.
                await session.ehlo()
        except BaseException:
            session.close()
            raise
        return session

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=None if self._authority is None else self._authority.decode())

    async def close(self) -> None:
        """Safe to repeat."""
        for session in (*self._busy, *(idle for idle, _ in self._idle)):
            session.close()
        self._idle.clear()

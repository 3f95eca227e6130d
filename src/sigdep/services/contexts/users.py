"""The context of users in the process of `sigdep up`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from time import time
from typing import Final, NamedTuple

import structlog

from sigdep.http.stamps import utc_now
from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.menus import USERS
from sigdep.users import context as users

ERASURES_EVERY_SECONDS: Final = 60.0
ERASURES_SOON_SECONDS: Final = 0.2
"""Between runs where erasures have no time of grace: whoever sets that wants them gone now."""

TOKEN_USES_EVERY_SECONDS: Final = 60.0

_log = structlog.get_logger("sigdep.contexts")


class OpenUsers(NamedTuple):
    context: OpenContext
    people: users.UsersContext
    """What other contexts and the gateway ask about people."""


@asynccontextmanager
async def open_users(house: House) -> AsyncIterator[OpenUsers]:
    projector = house.projector(USERS)
    settings, secrets = house.settings, house.stores.secrets
    people = users.open_users(
        log=house.log(USERS),
        views=house.stores.contexts[USERS.name].views,
        progress=projector,
        keys=house.stores.keys,
        token_key=secrets.token_key,
        signing_keys=(secrets.signing_key,),
        issuer=house.issuer,
        access_token_seconds=settings.access_token_seconds,
        erase_grace=timedelta(days=settings.erase_grace_days),
        limits=settings.guess_limits,
        now=time,
        alone=True,
    )
    try:
        context = house.opened(
            USERS,
            write=people.writing.write,
            read=people.reading.read,
            projector=projector,
            chores={
                "erasures": partial(_erase_for_ever, people, settings.erase_grace_days),
                "token uses": partial(_save_token_uses, people),
            },
        )
        yield OpenUsers(context, people)
    finally:
        await people.close()


async def _erase_for_ever(people: users.UsersContext, grace_days: float) -> None:
    """Carry out erasures when their time has come."""
    while True:
        report = await people.writing.erasures.run_due(utc_now())
        if report.again:
            _log.warning("keys of the erased had come back and are destroyed again", keys=report.again)
        for error in report.failed:
            _log.warning("erasure failed and will be tried again", error=str(error))
        await asyncio.sleep(ERASURES_EVERY_SECONDS if grace_days else ERASURES_SOON_SECONDS)


async def _save_token_uses(people: users.UsersContext) -> None:
    while True:
        await asyncio.sleep(TOKEN_USES_EVERY_SECONDS)
        await people.reading.token_uses.save()

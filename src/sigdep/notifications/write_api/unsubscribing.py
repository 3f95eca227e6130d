"""`/api/unsubscribe`: where the link in an e-mail leads, and what mail programs POST to for their reader (RFC 8058)."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Annotated, Any, Final

from msgspec import Meta
from msgspec.structs import replace

from sigdep.http.files import File
from sigdep.http.forms import AnyForm
from sigdep.http.routes import Parameters, Route
from sigdep.kernel.errors import NotFound
from sigdep.notifications.commands.people import Unsubscribe
from sigdep.notifications.domain.digest import WORDS
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.queries.people import DeclinedKind
from sigdep.notifications.writing.unsubscribing import PATH, TOKEN_LENGTH_MAX
from sigdep.rpc.call import Answer, Call, Service

MEDIA_TYPE: Final = "text/html"


class UnsubscribeParameters(Parameters, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=TOKEN_LENGTH_MAX)]
    """As it stands in the link."""


class UnsubscribePages:
    """Handlers: nobody signs in, the token is the secret."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def ask(self, call: Call, query: UnsubscribeParameters) -> Answer[File]:
        """Changes nothing: programs look at links in e-mails before people do. Its button sends the POST."""
        kind = await self._kind(replace(call, dry_run=True), query)
        words = f"No more e-mails about {WORDS[kind][1]}?"
        return _page(call.asked_at, words, '<form method="post"><button>No more of these</button></form>')

    async def decline(self, call: Call, query: UnsubscribeParameters, body: AnyForm) -> Answer[File]:
        """E-mails of this kind end, for this person; asking again changes nothing. The inbox is as it was. They have
        them again by `PATCH /api/notification-preferences`.
        """
        kind = await self._kind(replace(call, answer_key=None), query)
        words = f"You get no more e-mails about {WORDS[kind][1]}."
        return _page(call.asked_at, words, "<p>Your inbox has them all the same.</p>")

    async def _kind(self, call: Call, query: UnsubscribeParameters) -> Kind:
        answer: Answer[DeclinedKind] = await self.service.ask(Unsubscribe(token=query.token, at=call.asked_at), call)
        return answer.value.kind


def _page(at: datetime, words: str, rest: str) -> Answer[File]:
    """Without a style or a script: what answers carry lets browsers load nothing."""
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>SigDep</title>'
        '<meta name="viewport" content="width=device-width"></head>\n'
        f"<body><h1>{escape(words)}</h1>{rest}</body></html>\n"
    )
    page = File(content=text.encode(), media_type=MEDIA_TYPE, name="unsubscribe.html", modified_at=at, shown=True)
    return Answer(value=page)


def unsubscribe_routes(service: Service) -> Sequence[Route]:
    pages = UnsubscribePages(service)
    return (
        _route("GET", pages.ask, "Ask whether somebody wants no more e-mails of a kind."),
        _route("POST", pages.decline, "End e-mails of a kind, with one click."),
    )


def _route(method: Any, handle: Any, summary: str) -> Route:
    return Route(
        method=method,
        path=PATH,
        handle=handle,
        summary=summary,
        tag="notification preferences",
        scope=None,
        errors=(NotFound,),
        media_type=MEDIA_TYPE,
        secret=True,
        for_many=True,
    )

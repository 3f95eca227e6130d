"""`GET /api/feed`: what happens in a workspace, in order, by long poll or as server-sent events.

Nothing is missed and nothing comes twice across reconnects: each event carries the position to go on from. Whoever
loses the workspace loses the feed within a second, also while waiting.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.feed import Feed, FeedBatch, starting_place
from sigdep.http.calls import read_call
from sigdep.http.exchange import Exchange
from sigdep.http.identity import Identities
from sigdep.http.parameters import ParameterReader
from sigdep.http.positions import FeedPosition, encode_feed_position
from sigdep.http.replies import JSON, Reply, Write, begin_stream, send_reply
from sigdep.http.routes import PAGE_ITEMS, PAGE_ITEMS_MAX, Parameters
from sigdep.kernel.errors import NotFound, SigdepError, TooMany, Unavailable

PATH: Final = "/api/feed"
WAIT_SECONDS_MAX: Final = 25
LOOK_SECONDS: Final = 0.5
"""How often a waiting feed makes sure that its reader is still a member and still there."""

POLL_SECONDS: Final = 5.0
"""After so long without a wake-up a feed reads nevertheless: being woken is a hint, what is stored is the truth."""

HEARTBEAT_SECONDS: Final = 15.0
SEARCH_SECONDS_MAX: Final = 2.0
"""One poll looks no longer through what others have written before it says how far it came."""

RETRY_MILLISECONDS: Final = 2_000
USER_FEEDS_MAX: Final = 50

_encode: Final = msgspec.json.Encoder().encode


class FeedItem(Struct, frozen=True, kw_only=True):
    """One event of the feed."""

    position: str
    """Pass it as `from` to go on after this event. Opaque."""
    event: CloudEvent


class FeedPage(Struct, frozen=True, kw_only=True):
    """What has happened after `from`."""

    items: Sequence[FeedItem]
    """Oldest first."""
    next: str
    """Pass it as `from` of the next request."""
    more: bool
    """True: there is more already, or there may be; do not wait before you ask again."""


class FeedParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Where a feed begins, and how long it may wait."""

    workspace_id: WorkspaceId | UnsetType = UNSET
    """Absent: your personal workspace."""
    from_: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    """A position from an earlier answer, or `latest`: only what happens from now on. Absent: from the beginning."""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ITEMS_MAX)] = PAGE_ITEMS
    wait: Annotated[int, Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0
    """Seconds to wait for an event when there is none yet."""


class FeedEndpoint:
    method = "GET"
    path = PATH
    scope = "feed:read"
    deadline = False
    for_many = False

    def __init__(self, feed: Feed, identities: Identities) -> None:
        self._feed = feed
        self._identities = identities
        self._parameters = ParameterReader(FeedParameters)
        self._open: Counter[UserId] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        query: FeedParameters = self._parameters.read(exchange.query)
        serve = _stream if b"text/event-stream" in exchange.headers.get(b"accept", b"") else _poll
        with self._counted(exchange):
            gone = asyncio.create_task(_departure(receive))
            try:
                await serve(_Reader(self._feed, self._identities, scope, query, gone), exchange, send)
            finally:
                gone.cancel()

    @contextmanager
    def _counted(self, exchange: Exchange) -> Iterator[None]:
        """
        Raises:
            TooMany: the user has too many feeds open.
        """
        assert exchange.principal is not None  # The route has a scope.
        user = exchange.principal.user_id
        if self._open[user] >= USER_FEEDS_MAX:
            raise TooMany(f"You have {USER_FEEDS_MAX} feeds open; close one first.", HEARTBEAT_SECONDS)
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]


class _Reader:
    """One client's way through the feed of one workspace."""

    def __init__(
        self, feed: Feed, identities: Identities, scope: Scope, query: FeedParameters, gone: asyncio.Task[None]
    ) -> None:
        exchange = Exchange.of(scope)
        self.feed = feed
        self.query = query
        self.call = read_call(exchange)
        self.workspace = self.call.caller.personal_workspace_id if query.workspace_id is UNSET else query.workspace_id
        self._identities = identities
        self._bearer = exchange.bearer or ""
        self._last_event_id = exchange.headers.get(b"last-event-id")
        self._connection = exchange.connection
        self._gone = gone
        self._looked_at = monotonic()
        self._woken = False

    @property
    def ended(self) -> bool:
        """True: the client has gone, or the server is about to."""
        return self._gone.done() or (self._connection is not None and self._connection.stopping)

    async def start(self) -> FeedPosition | None:
        """Where to begin. None: at the beginning.

        Raises:
            NotFound: no member of the workspace.
            Invalid: the position is none, or belongs to another workspace.
        """
        await self._admit()
        name, given = "from", self.query.from_
        if self._last_event_id is not None:
            name, given = "Last-Event-ID", self._last_event_id.decode("latin-1")
        return await starting_place(self.feed, self.workspace, given, name)

    async def _admit(self) -> None:
        """By the roles that came with the request; a "no" may rest on old ones, and is asked again.

        Raises:
            NotFound: no member of the workspace.
        """
        try:
            self.call.caller.require(self.workspace, "viewer", "This workspace")
        except NotFound:
            self._looked_at = 0.0
            await self.look()

    async def look(self) -> None:
        """Make sure that the reader may still read, as often as it matters.

        Raises:
            NotFound, Unauthenticated: not any more.
        """
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            try:
                principal = await self._identities.principal(self._bearer, fresh=True)
            except Unavailable:  # What holds without the side that writes, for as long as it does.
                principal = await self._identities.principal(self._bearer)
            self._looked_at = monotonic()
            self.call = replace(self.call, principal=principal)
            principal.require(self.workspace, "viewer", "This workspace")

    async def read(self, after: FeedPosition | None) -> FeedBatch:
        await self.look()
        woken, self._woken = self._woken, False
        if woken and after is not None:
            recent = self.feed.recent(self.workspace, after, self.query.limit, self.call)
            if recent is not None:
                return recent
        return await self.feed.read(self.workspace, after, self.query.limit, self.call)

    async def wait(self, after: FeedPosition, seconds: float) -> None:
        """Until there may be something after a position, or nobody waits any more."""
        until = monotonic() + min(seconds, POLL_SECONDS)
        while (left := until - monotonic()) > 0 and not self.ended:
            self._woken = await self.feed.changed(self.workspace, after, min(left, LOOK_SECONDS))
            if self._woken:
                return
            await self.look()


async def _poll(reader: _Reader, exchange: Exchange, send: Send) -> None:
    until = monotonic() + reader.query.wait
    batch = await reader.read(await reader.start())
    searching_until = monotonic() + SEARCH_SECONDS_MAX
    while not batch.events:
        if batch.more:
            if monotonic() >= searching_until:
                break
        elif monotonic() >= until or reader.ended:
            break
        else:
            await reader.wait(batch.next, until - monotonic())
        batch = await reader.read(batch.next)
    page = FeedPage(items=_items(batch), next=encode_feed_position(batch.next), more=batch.more)
    headers = [(b"sigdep-position", page.next.encode()), (b"vary", b"accept"), JSON]
    await send_reply(exchange, send, Reply(200, headers, _encode(page)))


async def _stream(reader: _Reader, exchange: Exchange, send: Send) -> None:
    """Goes on until the client leaves, the server stops, or the reader may not read any more: then it just ends.

    The client comes back by itself, and hears why.
    """
    after = await reader.start()
    headers = [(b"content-type", b"text/event-stream"), (b"vary", b"accept"), (b"x-accel-buffering", b"no")]
    write = await begin_stream(exchange, send, headers)
    if exchange.method != "HEAD":
        await write(b"retry: %d\n\n" % RETRY_MILLISECONDS)
        with suppress(SigdepError):
            await _write_events(reader, after, write)
    await write(b"", more=False)


async def _write_events(reader: _Reader, after: FeedPosition | None, write: Write) -> None:
    wrote_at = monotonic()
    while not reader.ended:
        batch = await reader.read(after)
        after = batch.next
        if batch.events:
            await write(b"".join(_event_of(item) for item in _items(batch)))
            wrote_at = monotonic()
        elif monotonic() - wrote_at >= HEARTBEAT_SECONDS:
            # An id without data moves the client on without an event, past what others have written.
            await write(b": heartbeat\nid: %s\n\n" % encode_feed_position(after).encode())
            wrote_at = monotonic()
        if not batch.more:
            await reader.wait(after, HEARTBEAT_SECONDS)


def _event_of(item: FeedItem) -> bytes:
    return b"id: %s\ndata: %s\n\n" % (item.position.encode(), _encode(item))


def _items(batch: FeedBatch) -> list[FeedItem]:
    return [FeedItem(position=encode_feed_position(position), event=event) for position, event in batch.events]


async def _departure(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass

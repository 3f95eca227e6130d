"""A tiny context, served by the real gateway: notes with a title, kept in a dictionary."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace
from starlette.types import ASGIApp

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.gateway.settings import GatewaySettings
from sigdep.http.routes import Body, Listing, Parameters, Route
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import NotFound, Refused, Unauthenticated
from sigdep.kernel.ids import Partition, Position, StreamId, Version
from sigdep.rpc.call import Answer, Call, Encoded, Principal, WorkspacePosition

Instant = Annotated[datetime, Meta(tz=True)]

USER = UserId(UUID("0199a000-0000-7000-8000-000000000001"))
WORKSPACE = WorkspaceId(UUID("0199a000-0000-7000-8000-000000000a02"))
OTHER_WORKSPACE = WorkspaceId(UUID("0199a000-0000-7000-8000-000000000b03"))

SETTINGS = GatewaySettings(fingerprint_key=b"for tests: sixteen bytes or more", limits=None)


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str
    amount: int = 0


class Note(Struct, frozen=True, kw_only=True):
    id: UUID
    title: str
    status: Literal["open", "done"]
    due_at: datetime | None
    due_on: date | None
    lines: tuple[Line, ...]
    custom: Mapping[str, Any]
    version: int


class CreateNoteBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    id: UUID | UnsetType = UNSET
    status: Literal["open", "done"] = "open"
    due_at: Instant | None = None
    due_on: date | None = None
    lines: tuple[Line, ...] = ()
    custom: dict[str, Any] = field(default_factory=dict)


class ChangeNoteBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    due_at: Instant | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET


class NoteFilters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: tuple[Literal["open", "done"], ...] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    due_before: Instant | UnsetType = UNSET
    trashed: bool = False


class Notes:
    """The context's service and its handlers."""

    def __init__(self) -> None:
        self.notes: dict[UUID, Note] = {}
        self.calls: list[Call] = []
        self.queries: list[NoteFilters] = []
        self.failure: Exception | None = None
        self.pause_seconds = 0.0

    @property
    def call(self) -> Call:
        """The latest."""
        return self.calls[-1]

    def routes(self) -> list[Route]:
        def route(method: Any, path: str, handle: Any, scope: str | None, **more: Any) -> Route:
            return Route(method=method, path=path, handle=handle, summary="Does it.", tag="notes", scope=scope, **more)

        return [
            route("POST", "/api/notes", self.create_note, "notes:write"),
            route("GET", "/api/notes", self.list_notes, "notes:read"),
            route("GET", "/api/notes/{note_id}", self.show_note, "notes:read"),
            route("PATCH", "/api/notes/{note_id}", self.change_note, "notes:write"),
            route("DELETE", "/api/notes/{note_id}", self.delete_note, "notes:write"),
            route("POST", "/api/notes/{note_id}/complete", self.complete_note, "notes:write"),
            route("POST", "/api/sessions", self.sign_in, None),
            route("POST", "/api/clicks", self.click, None, for_many=True),
        ]

    async def create_note(self, call: Call, body: CreateNoteBody) -> Answer[Note]:
        """Makes a note."""
        await self._hear(call)
        call.caller.require(WORKSPACE, "member", "This workspace")
        note = Note(
            id=new_id() if body.id is UNSET else body.id,
            title=body.title,
            status=body.status,
            due_at=body.due_at,
            due_on=body.due_on,
            lines=body.lines,
            custom=body.custom,
            version=1,
        )
        if not call.dry_run:
            self.notes[note.id] = note
        return Answer(value=note, position=self.position, version=Version(1), created=not call.dry_run)

    async def list_notes(self, call: Call, query: NoteFilters) -> Answer[Listing[Note]]:
        await self._hear(call)
        self.queries.append(query)
        wanted = ("open", "done") if query.status is UNSET else query.status
        items = [note for note in self.notes.values() if note.status in wanted]
        return Answer(value=Listing(items=items[: query.limit]), position=self.position)

    async def show_note(self, call: Call, note_id: UUID) -> Answer[Note | Encoded]:
        await self._hear(call)
        call.caller.require(WORKSPACE, "viewer", "This note")
        note = self._find(note_id)
        return Answer(value=Encoded(msgspec.json.encode(note)), position=self.position, version=Version(note.version))

    async def change_note(self, call: Call, note_id: UUID, body: ChangeNoteBody) -> Answer[Note]:
        await self._hear(call)
        note = self._find(note_id)
        call.match(StreamId(f"note-{note_id}"), Version(note.version))
        given = {name: value for name in ("title", "due_at", "due_on") if (value := getattr(body, name)) is not UNSET}
        changed = replace(note, **given, version=note.version + 1)
        if not call.dry_run:
            self.notes[note_id] = changed
        return Answer(value=changed, position=self.position, version=Version(changed.version))

    async def delete_note(self, call: Call, note_id: UUID) -> Answer[None]:
        await self._hear(call)
        self._find(note_id)
        if not call.dry_run:
            del self.notes[note_id]
        return Answer(value=None, position=self.position)

    async def complete_note(self, call: Call, note_id: UUID) -> Answer[Note]:
        await self._hear(call)
        note = self._find(note_id)
        if note.status == "done":
            raise Refused("The note is done already.")
        self.notes[note_id] = replace(note, status="done", version=note.version + 1)
        return Answer(value=self.notes[note_id], position=self.position, version=Version(note.version + 1))

    async def sign_in(self, call: Call) -> Answer[None]:
        await self._hear(call)
        return Answer(value=None)

    async def click(self, call: Call) -> Answer[None]:
        await self._hear(call)
        return Answer(value=None)

    @property
    def position(self) -> WorkspacePosition:
        return WorkspacePosition("notes", Partition(2), Position(17))

    async def _hear(self, call: Call) -> None:
        self.calls.append(call)
        if self.pause_seconds:
            await asyncio.sleep(self.pause_seconds)
        if self.failure is not None:
            raise self.failure

    def _find(self, note_id: UUID) -> Note:
        if note_id not in self.notes:
            raise NotFound("This note does not exist.")
        return self.notes[note_id]


class People:
    """Knows three tokens, and roles that may differ between what is cached and what is true."""

    def __init__(self) -> None:
        self.cached: dict[WorkspaceId, Role] = {WORKSPACE: "owner"}
        self.true: dict[WorkspaceId, Role] = {WORKSPACE: "owner"}
        self.revoked = False
        self.asked: list[bool] = []
        """Each question, by whether it was to be answered afresh."""

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        self.asked.append(fresh)
        scopes = {"good": None, "reader": frozenset({"notes:read"}), "second": None}
        if self.revoked or bearer not in scopes:
            raise Unauthenticated("This token is none of ours.")
        return Principal(
            user_id=UserId(UUID(int=USER.int + 1)) if bearer == "second" else USER,
            personal_workspace_id=WORKSPACE,
            roles=self.true if fresh else self.cached,
            scopes=scopes[bearer],
        )


def client_of(application: ASGIApp, token: str | None = "good") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application, client=("192.0.2.7", 4711)),
        base_url="http://sigdep.test",
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
    )

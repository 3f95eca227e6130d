"""One line of the route table: a method and a path, what carries it out, and what the caller must be allowed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from msgspec import Struct

from sigdep.kernel.errors import SigdepError

V = TypeVar("V")

Method = Literal["GET", "POST", "PATCH", "DELETE"]

PAGE_ITEMS_MAX: Final = 200
PAGE_ITEMS: Final = 50


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON object that a write accepts. A field that may be left out defaults to UNSET; null clears it."""

    dry_run: bool = False
    """Answer what would happen, and store nothing."""


class Parameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may stand behind the `?` of a route."""


class Listing(Struct, Generic[V], frozen=True, kw_only=True):
    """One page of a list."""

    items: Sequence[V]
    next_cursor: str | None = None
    """For `?cursor=`. null: this was the last page."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route, documented and checked by the signature of its handler.

    `handle` is `async def verb_noun(call: Call, <path parameters by name>, body: SomeBody, query: SomeParameters)
    -> Answer[SomeStruct]`, each but `call` only where it is needed. `Answer[SomeStruct | Encoded]`: the answer may
    also be ready-made JSON of a SomeStruct. `Answer[None]`: 204.
    """

    method: Method
    path: str
    """As in `/api/tasks/{task_id}`: the collection in the plural (the singular is accepted everywhere)."""
    handle: Callable[..., Awaitable[Any]]
    summary: str
    """One sentence. The handler's docstring is the longer description."""
    tag: str
    scope: str | None
    """What a token must be allowed, as in `tasks:write`. None: open to everybody."""
    errors: tuple[type[SigdepError], ...] = ()
    """Refusals beyond those that every route of its kind has."""
    media_type: str | None = None
    """Of a File that it answers."""
    secret: bool = False
    """The answer holds a credential: nobody on its way may keep it (`Cache-Control: no-store`)."""
    for_many: bool = False
    """Of what is open to everybody: a few servers ask it on behalf of very many people, with a secret of each,
    so that it has a limit of its own."""

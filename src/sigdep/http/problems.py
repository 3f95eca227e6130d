"""The one table of failures, kind → status (RFC 9457): the answers are made from it, and the OpenAPI document."""

import math
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from sigdep.http.exchange import Header
from sigdep.http.refusals import (
    BodyTooLarge,
    Malformed,
    MethodNotAllowed,
    OAuthRefused,
    ScopeMissing,
    SlowRequest,
    UnsupportedMediaType,
)
from sigdep.http.replies import JSON, Reply
from sigdep.kernel.errors import (
    Fault,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    Refused,
    Stale,
    TooMany,
    Unauthenticated,
    Unavailable,
    WrongExpectedVersion,
)
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.store import EventTooLarge

TYPE_PREFIX: Final = "/problems/"
MEDIA_TYPE: Final = "application/problem+json"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: str
    """A stable reference to the kind of problem, which also leads to its description."""
    title: str
    status: int
    detail: str | None = None
    """A sentence for the person who asked."""
    instance: str | None = None
    """The path that was asked for."""
    errors: tuple[Fault, ...] = ()
    """Each thing that is wrong with the request, by pointer (RFC 6901) into the body or by the name of a parameter."""


class OAuthProblem(Struct, frozen=True, kw_only=True):
    """What went wrong, as OAuth says it (RFC 6749 §5.2)."""

    error: str
    """`invalid_request`, `invalid_grant`, `unsupported_grant_type` …"""
    error_description: str
    """A sentence for the developer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    error: type[BaseException]
    status: int
    name: str
    title: str
    meaning: str
    """What the client may do about it."""

    @property
    def type(self) -> str:
        return TYPE_PREFIX + self.name


KINDS: Final[tuple[Kind, ...]] = (
    Kind(Malformed, 400, "malformed", "The request cannot be read",
         "The body is no JSON in UTF-8, or a header that may stand once stands twice. Correct the request."),
    Kind(Unauthenticated, 401, "unauthenticated", "Who are you?",
         "Send `Authorization: Bearer` with a valid access token or API token."),
    Kind(Forbidden, 403, "forbidden", "You may not do this",
         "Your role in the workspace, or the scope of your token, does not include it."),
    Kind(NotFound, 404, "not-found", "Not found",
         "It does not exist, or you are no member of its workspace."),
    Kind(MethodNotAllowed, 405, "method-not-allowed", "The method is not possible here",
         "The header `Allow` names those that are."),
    Kind(SlowRequest, 408, "request-timeout", "The request took too long to arrive",
         "Send the body faster, or in smaller parts."),
    Kind(Refused, 409, "refused", "Refused in the present state",
         "A rule forbids it as things are; `detail` says which."),
    Kind(WrongExpectedVersion, 409, "conflict", "Somebody else was faster",
         "The thing has changed meanwhile. Read it again and repeat the request."),
    Kind(KeyDestroyed, 409, "erased", "Erased",
         "The person or workspace has been erased for ever; nothing can be stored for it any more."),
    Kind(Stale, 412, "stale", "Your version is not the present one",
         "`If-Match` names an older version. Read the thing again, and decide anew."),
    Kind(BodyTooLarge, 413, "too-large", "The body is too large",
         "Send less at once."),
    Kind(EventTooLarge, 413, "too-large", "The body is too large",
         "Send less at once."),
    Kind(UnsupportedMediaType, 415, "unsupported-media-type", "This media type is not understood",
         "Send `Content-Type: application/json`, not compressed."),
    Kind(Invalid, 422, "invalid", "The request is not valid",
         "`errors` names each thing that is wrong with it."),
    Kind(KeyReused, 422, "key-reused", "The idempotency key belongs to another request",
         "Use a new `Idempotency-Key` for a new request."),
    Kind(TooMany, 429, "too-many-requests", "Too many requests",
         "Wait as many seconds as `Retry-After` says."),
    Kind(Unavailable, 503, "unavailable", "Not possible at the moment",
         "A part of the server is down or busy. Repeat the request after `Retry-After` seconds, "
         "a write with the same `Idempotency-Key`."),
    Kind(BaseException, 500, "internal", "Something went wrong on our side",
         "This is a bug in the server. Tell its operator the `X-Request-Id`."),
)  # fmt: skip

_BY_ERROR: Final = {kind.error: kind for kind in KINDS}
_encode: Final = msgspec.json.Encoder().encode


def kind_of(error: type[BaseException]) -> Kind:
    """The kind of the nearest ancestor. What has none is a bug."""
    return next(_BY_ERROR[ancestor] for ancestor in error.__mro__ if ancestor in _BY_ERROR)


def is_bug(error: BaseException) -> bool:
    return kind_of(type(error)).status == 500


def problem_reply(error: BaseException, instance: str) -> Reply:
    """The answer to a request that failed. A bug shows its title and nothing else."""
    if isinstance(error, OAuthRefused):
        return _oauth_reply(error)
    kind = kind_of(type(error))
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=None if kind.status == 500 else str(error),
        instance=instance,
        errors=_faults(error) if isinstance(error, Invalid) else (),
    )
    return Reply(kind.status, [(b"content-type", MEDIA_TYPE.encode()), *_headers(error)], _encode(problem))


def _faults(error: Invalid) -> tuple[Fault, ...]:
    """Where no place is named, as in a text that is no calendar, it is the whole of the request: "" (RFC 6901)."""
    return error.faults or (Fault("", error.detail),)


def _oauth_reply(error: OAuthRefused) -> Reply:
    # The standard allows neither quotes nor backslashes nor anything beyond ASCII.
    description = error.detail.translate({ord('"'): "'", ord("\\"): "/"}).encode("ascii", "replace").decode()
    problem = OAuthProblem(error=error.error, error_description=description)
    return Reply(400, [JSON], _encode(problem))


def _headers(error: BaseException) -> list[Header]:
    match error:
        case Unauthenticated():
            return [(b"www-authenticate", b'Bearer realm="sigdep"')]
        case ScopeMissing():
            scope = error.scope.encode()
            return [(b"www-authenticate", b'Bearer realm="sigdep", error="insufficient_scope", scope="%s"' % scope)]
        case MethodNotAllowed():
            return [(b"allow", ", ".join(error.allowed).encode())]
        case TooMany() | Unavailable():
            return [(b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_seconds)))]
        case UnsupportedMediaType():
            return [(b"accept", b"application/json")]
        case BodyTooLarge(close=True) | SlowRequest():
            return [(b"connection", b"close")]
        case _:
            return []

"""From a request to the call that accompanies its message: who, when, what it repeats, what it expects."""

import hmac
from re import compile as pattern
from typing import Final
from uuid import UUID

from sigdep.http.exchange import Exchange
from sigdep.http.positions import decode_feed_position
from sigdep.http.stamps import utc_now
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import CommandId, Version
from sigdep.kernel.store import AnswerKey
from sigdep.rpc.call import Call, FeedPosition, WorkspacePosition

KEY_LENGTH_MAX: Final = 128
REQUEST_ID_LENGTH_MAX: Final = 64

_KEY: Final = pattern(rb"[\x21-\x7e]{1,%d}" % KEY_LENGTH_MAX)
_ETAG: Final = pattern(rb'("?)(\d{1,18})\1')
"""A version of ours. Its quotes are often forgotten, and there is nothing else that it could mean."""

_REQUEST_ID: Final = pattern(rb"[A-Za-z0-9_.:+/=-]{1,%d}" % REQUEST_ID_LENGTH_MAX)


def request_id_of(given: bytes | None) -> str | None:
    """The client's `X-Request-Id`, where it is one that we care to write into logs."""
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else None


def read_call(exchange: Exchange) -> Call:
    """The call of a request that only asks.

    Raises:
        Invalid: a header makes no sense.
    """
    least = _least_position(exchange)
    return Call(
        asked_at=utc_now(),
        command_id=CommandId(exchange.command_id),
        principal=exchange.principal,
        request_id=exchange.request_id,
        traceparent=exchange.traceparent,
        min_position=least if isinstance(least, WorkspacePosition) else None,
        min_feed=least if isinstance(least, FeedPosition) else None,
    )


def write_call(exchange: Exchange, body: bytes, *, dry_run: bool, fingerprint_key: bytes) -> Call:
    """The call of a request to change something.

    Raises:
        Invalid: a header makes no sense.
    """
    headers = exchange.headers
    key = headers.get(b"idempotency-key")
    match = headers.get(b"if-match")
    least = _least_position(exchange)
    return Call(
        asked_at=utc_now(),
        command_id=CommandId(exchange.command_id),
        principal=exchange.principal,
        address=exchange.address,
        request_id=exchange.request_id,
        traceparent=exchange.traceparent,
        answer_key=None if key is None else _answer_key(exchange, key, body, fingerprint_key),
        if_match=None if match is None else _expected_version(match),
        dry_run=dry_run,
        min_position=least if isinstance(least, WorkspacePosition) else None,
        min_feed=least if isinstance(least, FeedPosition) else None,
    )


def _least_position(exchange: Exchange) -> FeedPosition | WorkspacePosition | None:
    given = exchange.headers.get(b"sigdep-min-position")
    return None if given is None else decode_feed_position(given.decode("latin-1"), "Sigdep-Min-Position")


def _answer_key(exchange: Exchange, key: bytes, body: bytes, fingerprint_key: bytes) -> AnswerKey:
    """The fingerprint is keyed: a plain digest of a body with a password in it could be searched for the password."""
    if not _KEY.fullmatch(key):
        raise Invalid.at("Idempotency-Key", f"Idempotency-Key takes 1 to {KEY_LENGTH_MAX} visible ASCII characters.")
    place = "\n".join((exchange.method, exchange.route or "", *exchange.path_values))  # Whatever alias was used.
    request = b"\n".join((place.encode(), exchange.query, body))
    fingerprint = hmac.digest(fingerprint_key, request, "sha256")
    # Nobody is signed in: a request is its own caller, so that strangers cannot meet in one key.
    caller = exchange.principal.user_id if exchange.principal else UUID(bytes=fingerprint[:16])
    return AnswerKey(caller=caller, key=key.decode(), fingerprint=fingerprint)


def _expected_version(match: bytes) -> Version | None:
    if match == b"*":
        return None
    found = _ETAG.fullmatch(match)
    if found is None:
        raise Invalid.at("If-Match", 'If-Match takes the ETag of one earlier answer, as in "7" with its quotes.')
    return Version(int(found[2]))


def matches_none(given: bytes, version: Version) -> bool:
    """Whether `If-None-Match` names this version (RFC 9110 §13.1.2), so that 304 is the answer to a GET."""
    if given == b"*":
        return True
    tag = b'"%d"' % version
    return any(candidate.strip().removeprefix(b"W/") == tag for candidate in given.split(b","))

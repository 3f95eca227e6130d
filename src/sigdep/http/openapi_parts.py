"""The parts of the OpenAPI document that all operations share: headers, parameters, how to sign in."""

from typing import Any, Final

from sigdep.http.calls import KEY_LENGTH_MAX

INTRODUCTION: Final = """\
Tasks, calendar and reminders as one stream of events that its owner keeps.

- **Writes are partial.** A field that is left out stays as it is, `null` clears it, an unknown field is refused.
- **Ids** are UUIDs, best UUIDv7, and may be chosen by the client: so a create can be repeated.
- **Repeating** a write with its `Idempotency-Key` gives the first answer again and changes nothing.
- **Reading your own writes**: pass `Sigdep-Position` of a write as `Sigdep-Min-Position` of the read.
- **Errors** are problem details (RFC 9457); for 422, `errors` names every fault by its place.
- **Names** are plural; the singular works too: `/api/task` is `/api/tasks`.
- `GET` answers `HEAD` as well, and every path answers `OPTIONS`.
- Every write takes `dry_run`: it answers what would happen, and nothing is stored.
- Texts may hold line breaks and tabs and no other control characters; years lie between 1900 and 2200;
  a body has at most 1 MiB, unless its route says otherwise, and is nested at most 32 deep.
"""

Part = dict[str, Any]


def _header(description: str, schema: Part) -> Part:
    return {"description": description, "schema": schema}


HEADERS: Final[dict[str, Part]] = {
    "ETag": _header("The version of the one thing shown, for `If-Match`.", {"type": "string"}),
    "Location": _header("Where the thing created can be read.", {"type": "string"}),
    "Retry-After": _header("Seconds to wait before the next attempt.", {"type": "integer"}),
    "Sigdep-Position": _header(
        "Where the write stands in the log, or how far into it this answer reaches. Opaque.", {"type": "string"}
    ),
    "X-Request-Id": _header("Names this request in our logs: yours, where you sent one.", {"type": "string"}),
}

PARAMETERS: Final[dict[str, Part]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Names this request: a repeat gives the first answer again and changes nothing. "
        "Kept for 48 hours. The same key with another request is 422.",
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_LENGTH_MAX}}}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of an earlier answer: 412 if the thing has changed since. `*`: whatever it is.",
        "schema": {"type": "string", "pattern": '^("[0-9]{1,18}"|[0-9]{1,18}|\\*)$'},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of what you have: 304 if it is still so.",
        "schema": {"type": "string"},
    },
    "MinPosition": {
        "name": "Sigdep-Min-Position",
        "in": "header",
        "required": False,
        "description": "A `Sigdep-Position` from an earlier answer, or a `position` of the feed: this one reaches at "
        "least as far. It waits for up to 5 seconds, then says 503.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,512}$"},
    },
}

SECURITY_SCHEMES: Final[dict[str, Part]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token from `POST /api/sessions`, or an API token (`sigdep_…`) from "
        "`POST /api/tokens` with the scope that is named at the operation.",
    }
}

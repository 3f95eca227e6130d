"""What the fields of bodies and parameters may hold, for the OpenAPI document. The domain checks them, and says so in
sentences."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from msgspec import Meta

from sigdep.http.routes import PAGE_ITEMS, PAGE_ITEMS_MAX, Listing, Parameters
from sigdep.rpc.call import Answer
from sigdep.users.domain.addresses import EMAIL_LENGTH_MAX, EMAIL_PATTERN, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from sigdep.users.domain.texts import DEVICE_LENGTH_MAX, LOCALE_LENGTH_MAX, LOCALE_PATTERN, NAME_LENGTH_MAX
from sigdep.users.queries import Page

V = TypeVar("V")

SECRET_LENGTH_MAX: Final = 512


def _shown(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


def _line(length_max: int) -> Meta:
    char = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
    return _shown(maxLength=length_max, pattern=rf"^[^{char}]*[^\s{char}][^{char}]*$")


Email = Annotated[str, _shown(pattern=EMAIL_PATTERN, maxLength=EMAIL_LENGTH_MAX, examples=["ada@example.com"])]
NewPassword = Annotated[str, _shown(format="password", minLength=PASSWORD_LENGTH_MIN, maxLength=PASSWORD_LENGTH_MAX)]
Password = Annotated[str, Meta(max_length=PASSWORD_LENGTH_MAX), _shown(format="password")]
Name = Annotated[str, _line(NAME_LENGTH_MAX)]
Device = Annotated[str, _line(DEVICE_LENGTH_MAX)]
TimeZone = Annotated[str, _shown(examples=["Europe/London"], description="IANA.")]
Locale = Annotated[
    str, _shown(maxLength=LOCALE_LENGTH_MAX, pattern=LOCALE_PATTERN, examples=["en-GB"], description="BCP 47.")
]
Secret = Annotated[str, Meta(max_length=SECRET_LENGTH_MAX)]
Instant = Annotated[datetime, Meta(tz=True)]
Scope = Literal[
    "calendar:read", "calendar:write", "feed:read", "notifications:read", "notifications:write", "profile:read",
    "profile:write", "tasks:read", "tasks:write", "webhooks:read", "webhooks:write", "workspaces:read",
    "workspaces:write",
]  # fmt: skip


class PageParameters(Parameters, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=PAGE_ITEMS_MAX, description="Items on one page.")] = PAGE_ITEMS
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.")] | None = None


def listing(answer: Answer[Page[V]]) -> Answer[Listing[V]]:
    page = answer.value
    return Answer(value=Listing(items=page.items, next_cursor=page.next_cursor), position=answer.position)

"""What the fields of a body may hold, for the OpenAPI document. The domain checks them, and says so in sentences."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from sigdep.calendar.domain import fields
from sigdep.calendar.domain.times import WALL_PATTERN


def _shown(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


def _line(length_max: int) -> Meta:
    return _shown(minLength=1, maxLength=length_max, pattern=r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")


Title = Annotated[str, _line(fields.TITLE_LENGTH_MAX)]
Name = Annotated[str, _line(fields.NAME_LENGTH_MAX)]
Uid = Annotated[str, _line(fields.UID_LENGTH_MAX)]
Description = Annotated[str, _shown(maxLength=fields.DESCRIPTION_LENGTH_MAX, description="Markdown.")]
Location = Annotated[str, _shown(maxLength=fields.LOCATION_LENGTH_MAX)]
Color = Annotated[str, _shown(pattern=fields.COLOR_PATTERN, examples=["#1e90ff"])]
Url = Annotated[str, _shown(maxLength=fields.URL_LENGTH_MAX, pattern=fields.URL_PATTERN)]
Email = Annotated[str, _shown(maxLength=fields.EMAIL_LENGTH_MAX, pattern=fields.EMAIL_PATTERN)]
Wall = Annotated[
    str,
    _shown(
        pattern=WALL_PATTERN,
        examples=["2026-12-01T09:00:00"],
        description="A time on the wall of time_zone, without an offset; or a date, and then it is all-day.",
    ),
]
Zone = Annotated[str, _shown(maxLength=fields.ZONE_LENGTH_MAX, examples=["Europe/Berlin"], description="IANA name.")]
Before = Annotated[str, _shown(examples=["PT10M"], description="How long before the start (RFC 5545 §3.3.6).")]
Instant = Annotated[datetime, Meta(tz=True)]

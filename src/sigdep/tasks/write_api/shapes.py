"""What the fields of a body may hold, for the OpenAPI document. The domain checks them, and says so in sentences."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from sigdep.contracts.ids import TaskId, UserId
from sigdep.recurrence.duration import DURATION_DAYS_MAX
from sigdep.tasks.domain import fields
from sigdep.tasks.domain.rank import DIGITS, RANK_LENGTH_MAX
from sigdep.tasks.domain.reminders import REMINDERS_MAX
from sigdep.tasks.domain.schedule import RULE_LENGTH_MAX
from sigdep.tasks.events.tasks import Anchor


def _shown(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


def _line(length_max: int) -> Meta:
    return _shown(minLength=1, maxLength=length_max, pattern=r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")


Title = Annotated[str, _line(fields.TITLE_LENGTH_MAX)]
Name = Annotated[str, _line(fields.NAME_LENGTH_MAX)]
LabelName = Annotated[str, _line(fields.LABEL_LENGTH_MAX)]
Icon = Annotated[str, _line(fields.ICON_LENGTH_MAX)]
Description = Annotated[str, _shown(maxLength=fields.DESCRIPTION_LENGTH_MAX, description="Markdown.")]
CommentText = Annotated[
    str,
    _shown(
        minLength=1,
        maxLength=fields.COMMENT_LENGTH_MAX,
        pattern=r"^(?=[\s\S]*\S)[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]*$",
        description="Markdown.",
    ),
]
Color = Annotated[str, _shown(pattern=fields.COLOR_PATTERN, examples=["#1e90ff"])]
Estimate = Annotated[str, _shown(pattern=fields.ESTIMATE_PATTERN, examples=["PT1H30M"])]
Rank = Annotated[
    str,
    _shown(
        maxLength=RANK_LENGTH_MAX,
        pattern=f"^[{DIGITS}]+$",
        description="The rank of another thing, or one between two. Better: name before_id or after_id.",
    ),
]
Instant = Annotated[datetime, Meta(tz=True)]
Labels = Annotated[
    tuple[str, ...],
    _shown(maxItems=fields.LABELS_MAX, description="Ids or names of labels that exist. Answers show ids."),
]
Assignees = Annotated[tuple[UserId, ...], _shown(maxItems=fields.ASSIGNEES_MAX)]
Blockers = Annotated[tuple[TaskId, ...], _shown(maxItems=fields.BLOCKERS_MAX)]
Custom = Annotated[
    dict[str, Any],
    _shown(
        maxProperties=fields.CUSTOM_KEYS_MAX,
        description=(
            f"Fields of your own: at most {fields.CUSTOM_KEYS_MAX}, together {fields.CUSTOM_BYTES_MAX:,} bytes of "
            f"JSON, nested {fields.CUSTOM_DEPTH_MAX} deep. An edit changes the keys it names; null takes one away."
        ),
    ),
]
Rule = Annotated[
    str,
    _shown(
        minLength=1,
        maxLength=RULE_LENGTH_MAX,
        description="A recurrence rule of iCalendar (RFC 5545 §3.3.10), without `RRULE:`.",
        examples=["FREQ=WEEKLY;BYDAY=FR"],
    ),
]
TimeZone = Annotated[str, _shown(description="IANA name.", examples=["Europe/Berlin"])]


class TaskRecurrenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the task is to be done again."""

    rule: Rule
    anchor: Anchor = "schedule"
    """`schedule`: by the dates of the task. `completion`: counted from the day on which it was done."""


class TaskReminderBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either at an instant, or some time before the task is due (else scheduled; else before 9:00 on its date)."""

    at: Instant | None = None
    before: (
        Annotated[
            str,
            _shown(
                pattern=fields.ESTIMATE_PATTERN,
                description=f"ISO 8601 duration of at most {DURATION_DAYS_MAX:,} days.",
                examples=["PT10M", "P1D"],
            ),
        ]
        | None
    ) = None


Reminders = Annotated[tuple[TaskReminderBody, ...], _shown(maxItems=REMINDERS_MAX)]

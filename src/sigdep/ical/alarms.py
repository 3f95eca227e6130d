"""VALARM (RFC 5545 §3.6.6): one that we understand is an Alarm, any other is kept as it is."""

from collections.abc import Iterator
from typing import Final

from sigdep.ical.blocks import Block
from sigdep.ical.keeping import Keeper, write_kept, write_kept_lines
from sigdep.ical.lines import read_parameters, without_breaks
from sigdep.ical.model import Alarm
from sigdep.ical.values import read_instant, read_signed_duration, read_text, write_text
from sigdep.recurrence.duration import Duration, format_duration
from sigdep.recurrence.text import write_moment

ALARMS_MAX: Final = 50
"""Of one component."""
UNDERSTOOD: Final = frozenset({"ACTION", "TRIGGER", "SUMMARY", "DESCRIPTION"})
_ACTIONS: Final = ("DISPLAY", "AUDIO", "EMAIL")
UNNAMED: Final = "(untitled)"
"""What an alarm displays where nothing else is said."""
_AT_ONCE: Final = Duration()


def read_alarm(block: Block, keeper: Keeper, summary: str) -> Alarm | None:
    """None for one that says not when, or does something that we know not, as Apple's ACTION:NONE.

    Args:
        summary: of the component that it is in. An alarm that displays that and no more has no description of its own.
    """
    action = block.text("ACTION").strip().upper() or "DISPLAY"
    trigger = next((line for line in block.lines if line.name == "TRIGGER"), None)
    if trigger is None or action not in _ACTIONS:
        return None
    known, unknown = read_parameters(trigger.written_parameters, ("VALUE", "RELATED"))
    duration = read_signed_duration(trigger.value)
    at = read_instant(trigger.value) if duration is None else None
    if (duration is None and at is None) or unknown or _has_parameters(block):
        return None
    description = read_text(block.text("DESCRIPTION"))
    return Alarm(
        action=action,
        trigger=duration[0] if duration else None,
        after=duration is not None and not duration[1] and duration[0] != _AT_ONCE,
        related="END" if known.get("RELATED", "").upper() == "END" and duration else "START",
        at=at,
        summary=read_text(block.text("SUMMARY")),
        description="" if action == "DISPLAY" and description == _shown(summary) else description,
        lines=keeper.lines(line for line in block.lines if line.name not in UNDERSTOOD),
        components=keeper.components(block.blocks),
    )


def _has_parameters(block: Block) -> bool:
    """Whether something that we would read says more than we would keep."""
    return any(line.written_parameters for line in block.lines if line.name in UNDERSTOOD - {"TRIGGER"})


def _shown(summary: str) -> str:
    """What an alarm displays, which must be something (RFC 5545 §3.6.6)."""
    return summary if summary.strip() else UNNAMED


def write_alarm(alarm: Alarm, summary: str) -> Iterator[str]:
    yield "BEGIN:VALARM"
    yield f"ACTION:{without_breaks(alarm.action)}"
    yield _trigger(alarm)
    if alarm.summary:
        yield f"SUMMARY:{write_text(alarm.summary)}"
    if alarm.action == "DISPLAY" or alarm.description:
        yield f"DESCRIPTION:{write_text(alarm.description or _shown(summary))}"
    yield from write_kept_lines(alarm.lines, UNDERSTOOD)
    yield from write_kept(alarm.components)
    yield "END:VALARM"


def _trigger(alarm: Alarm) -> str:
    if alarm.at is not None:
        return f"TRIGGER;VALUE=DATE-TIME:{write_moment(alarm.at)}"
    related = ";RELATED=END" if alarm.related == "END" else ""
    trigger = alarm.trigger or _AT_ONCE
    return f"TRIGGER{related}:{'' if alarm.after or trigger == _AT_ONCE else '-'}{format_duration(trigger)}"

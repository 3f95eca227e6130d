"""What a person wants to be told, by which ways, and when they want quiet."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET, State
from sigdep.notifications.commands.people import (
    ApplyLead,
    ChangePreferences,
    Choice,
    DeclineEmails,
    PostDigest,
    PreferencesCommand,
)
from sigdep.notifications.domain.walls import day_of, end_of, next_at, quiet_until, wall_time
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.events.people import (
    Channel,
    DigestPosted,
    LeadApplied,
    PreferencesChanged,
    PreferencesEvent,
    QuietHours,
    Unsubscribed,
)
from sigdep.notifications.queries.people import PreferencesView
from sigdep.recurrence.duration import InvalidDuration, before, format_duration, parse_duration
from sigdep.recurrence.zones import UnknownZone, zone_named

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)

_EMAILED: Final[frozenset[Kind]] = frozenset(("event.invited", "event.cancelled", "webhook.disabled", "digest"))
_PUSHED: Final[frozenset[Kind]] = frozenset(KINDS) - {"task.commented", "webhook.disabled", "digest"}

LEAD: Final = "PT1H"
"""How long before a task is due people are told who have said nothing."""

LEAD_DAYS_MAX: Final = 7

_NOBODY: Final = UUID(int=0)


class Preferences(State):
    """What deciding remembers. Channels that a person has said nothing about are as they are for everybody."""

    user_id: UserId = UserId(_NOBODY)
    workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    time_zone: str = "UTC"
    """IANA. The service takes that of the person's profile where they say nothing when they first say anything."""
    zoned: bool = False
    """It is theirs. Else that of their profile counts: whoever has only unsubscribed has said nothing of times."""
    channels: Mapping[Kind, Mapping[Channel, bool]] = {}
    quiet_hours: QuietHours | None = None
    digest_at: str | None = None
    digest_on: date | None = None
    """Of the last one."""
    due_soon: str | None = LEAD
    """How long before a task is due they want to be told. None: never."""
    lead_applied: str = LEAD
    """By which it is scheduled."""
    updated_at: datetime | None = None
    version: int = 0
    """Grows with every event. 0: the person has said nothing."""


def wants(preferences: Preferences, kind: Kind, channel: Channel) -> bool:
    """Whether the person wants this kind of thing told by this way."""
    chosen = preferences.channels.get(kind, {}).get(channel)
    return kind in (_EMAILED if channel == "email" else _PUSHED) if chosen is None else chosen


def not_before(preferences: Preferences, now: datetime, *, urgent: bool) -> datetime | None:
    """UTC: until when nothing may go out to the person. None: it may now."""
    quiet = preferences.quiet_hours
    if quiet is None or (urgent and quiet.urgent_passes):
        return None
    return quiet_until(quiet, preferences.time_zone, now)


def lead_of(preferences: Preferences) -> str:
    """How long before a task is due they are told. Where they are not, it is scheduled all the same."""
    return LEAD if preferences.due_soon is None else preferences.due_soon


def told_at(preferences: Preferences, due_at: datetime) -> datetime:
    """UTC: when they are told of a task that is due then."""
    return before(due_at, parse_duration(lead_of(preferences)), zone_named(preferences.time_zone))


def digest_due(preferences: Preferences) -> datetime | None:
    """UTC: when the next digest is to be made. None: the person wants none."""
    if preferences.digest_at is None or preferences.updated_at is None:
        return None
    after = preferences.updated_at
    if preferences.digest_on is not None:
        after = max(after, end_of(preferences.digest_on, preferences.time_zone))
    return next_at(preferences.digest_at, preferences.time_zone, after=after)


def digest_day(preferences: Preferences, now: datetime) -> date:
    """The day whose digest it is that is due, or late: after a long stop only the last one is made."""
    assert preferences.digest_at is not None
    today = day_of(now, preferences.time_zone)
    begins = next_at(preferences.digest_at, preferences.time_zone, after=now)
    return today - timedelta(days=1) if day_of(begins, preferences.time_zone) == today else today


def view(preferences: Preferences, *, time_zone: str) -> PreferencesView:
    """
    Args:
        time_zone: where the person has said nothing: that of their profile.
    """
    return PreferencesView(
        channels={kind: {channel: wants(preferences, kind, channel) for channel in CHANNELS} for kind in KINDS},
        time_zone=preferences.time_zone if preferences.zoned else time_zone,
        quiet_hours=preferences.quiet_hours,
        digest_at=preferences.digest_at,
        due_soon=preferences.due_soon,
        version=preferences.version,
    )


def decide(command: PreferencesCommand, preferences: Preferences) -> list[PreferencesEvent]:
    """
    Raises:
        Invalid: a time or a time zone is none.
    """
    match command:
        case ChangePreferences():
            return _decide_change(command, preferences)
        case PostDigest():
            if preferences.digest_on is not None and command.on <= preferences.digest_on:
                return []
            return [DigestPosted(user_id=command.user_id, on=command.on, at=command.at)]
        case ApplyLead():
            if command.lead == preferences.lead_applied:
                return []
            return [LeadApplied(user_id=command.user_id, lead=command.lead, at=command.at)]
        case DeclineEmails():
            if not wants(preferences, command.kind, "email"):
                return []  # Links in e-mails are followed more than once.
            return [Unsubscribed(user_id=command.user_id, kind=command.kind, at=command.at)]


def _zone(name: str) -> str:
    try:
        return zone_named(name).key
    except UnknownZone as error:
        raise UnknownZone.at("/time_zone", error.detail) from None


def _decide_change(command: ChangePreferences, preferences: Preferences) -> list[PreferencesEvent]:
    changed: dict[str, Any] = {}
    if command.time_zone is not UNSET and command.time_zone != preferences.time_zone:
        changed["time_zone"] = _zone(command.time_zone)
    if channels := _differing(command.choices, preferences):
        changed["channels"] = channels
    if command.quiet_hours is not UNSET and command.quiet_hours != preferences.quiet_hours:
        changed["quiet_hours"] = _checked(command.quiet_hours)
    if command.digest_at is not UNSET and command.digest_at != preferences.digest_at:
        at = command.digest_at
        changed["digest_at"] = None if at is None else wall_time(at, "/digest_at")
    if command.due_soon is not UNSET:
        lead = _lead(command.due_soon)
        if lead != preferences.due_soon:
            changed["due_soon"] = lead
    if not changed:
        return []
    return [PreferencesChanged(user_id=command.user_id, workspace_id=command.workspace_id, at=command.at, **changed)]


def _lead(asked: str | None) -> str | None:
    """The same, in one way of writing."""
    if asked is None:
        return None
    try:
        lead = parse_duration(asked)
    except InvalidDuration as error:
        raise Invalid.at("/due_soon", error.detail) from None
    if timedelta(days=lead.days, seconds=lead.seconds) > timedelta(days=LEAD_DAYS_MAX):
        raise Invalid.at("/due_soon", f"You are told at most {LEAD_DAYS_MAX} days before a task is due.")
    return format_duration(lead)


def _checked(quiet: QuietHours | None) -> QuietHours | None:
    if quiet is not None:
        wall_time(quiet.start, "/quiet_hours/start")
        wall_time(quiet.end, "/quiet_hours/end")
    return quiet


def _differing(choices: Iterable[Choice], preferences: Preferences) -> dict[Kind, dict[Channel, bool]]:
    differing: dict[Kind, dict[Channel, bool]] = {}
    for choice in choices:
        if choice.wanted != wants(preferences, choice.kind, choice.channel):
            differing.setdefault(choice.kind, {})[choice.channel] = choice.wanted
    return differing


def evolve(preferences: Preferences, event: PreferencesEvent) -> Preferences:
    """The preferences after the event. Never raises: what is in the log has happened."""
    version = preferences.version + 1
    match event:
        case DigestPosted():
            return replace(preferences, digest_on=event.on, version=version)
        case LeadApplied():
            return replace(preferences, lead_applied=event.lead, version=version)
        case Unsubscribed():
            return replace(
                preferences,
                user_id=event.user_id,
                channels=_chosen(preferences, {event.kind: {"email": False}}),
                updated_at=event.at,
                version=version,
            )
        case PreferencesChanged():
            channels = {} if event.channels is UNSET else event.channels
            return Preferences(
                user_id=event.user_id,
                workspace_id=event.workspace_id,
                time_zone=preferences.time_zone if event.time_zone is UNSET else event.time_zone,
                zoned=True,
                channels=_chosen(preferences, channels),
                quiet_hours=preferences.quiet_hours if event.quiet_hours is UNSET else event.quiet_hours,
                digest_at=preferences.digest_at if event.digest_at is UNSET else event.digest_at,
                digest_on=preferences.digest_on,
                due_soon=preferences.due_soon if event.due_soon is UNSET else event.due_soon,
                lead_applied=preferences.lead_applied,
                updated_at=event.at,
                version=version,
            )


def _chosen(
    preferences: Preferences, changed: Mapping[Kind, Mapping[Channel, bool]]
) -> dict[Kind, Mapping[Channel, bool]]:
    return {
        kind: {**preferences.channels.get(kind, {}), **changed.get(kind, {})}
        for kind in dict.fromkeys((*preferences.channels, *changed))
    }


PREFERENCES: Final = Decider[Any, Preferences](
    category="preferences", initial=Preferences(), decide=decide, evolve=evolve, schema="preferences-3"
)

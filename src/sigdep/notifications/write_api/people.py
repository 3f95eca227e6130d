"""`/api/notification-preferences` and `/api/devices`: what changes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from sigdep.http.routes import Body, Route
from sigdep.kernel.errors import Invalid, NotFound, SigdepError
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.notifications.commands.people import ChangePreferences, Choice, RegisterDevice, RemoveDevice
from sigdep.notifications.domain.devices import ENDPOINT_LENGTH_MAX, NAME_LENGTH_MAX, TOKEN_LENGTH_MAX
from sigdep.notifications.domain.preferences import LEAD_DAYS_MAX
from sigdep.notifications.domain.walls import WALL_TIME_PATTERN
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.events.people import Channel, DeviceId, QuietHours
from sigdep.notifications.queries.people import DeviceView, PreferencesView
from sigdep.rpc.call import Answer, Call, Service

BASE64URL_LENGTH_MAX: Final = 130


def _shown(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


WallTime = Annotated[str, _shown(pattern=WALL_TIME_PATTERN, examples=["07:30"])]
Lead = Annotated[str, _shown(examples=["PT1H"], description=f"ISO 8601, {LEAD_DAYS_MAX} days at most.")]
TimeZone = Annotated[str, _shown(examples=["Europe/London"], description="IANA.")]


class QuietHoursWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From one time on the wall to another, over midnight where the second is the earlier one."""

    start: WallTime
    end: WallTime
    urgent_passes: bool = False
    """What is urgent goes out all the same."""


class PreferencesEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else. null clears."""

    channels: Mapping[Kind, Mapping[Channel, bool]] | UnsetType = UNSET
    """Kinds and ways that are not named stay as they are."""
    time_zone: TimeZone | UnsetType = UNSET
    """In it the times are meant. When you first say anything and do not say this, it is that of your profile."""
    quiet_hours: QuietHoursWish | UnsetType | None = UNSET
    """When nothing goes out: it waits until they are over. The inbox does not."""
    digest_at: WallTime | UnsetType | None = UNSET
    """When a digest of the day comes. null: none does."""
    due_soon: Lead | UnsetType | None = UNSET
    """How long before a task is due you are told, where the task has no reminders of its own. null: you are not."""


class SubscriptionKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    p256dh: Annotated[str, _shown(maxLength=BASE64URL_LENGTH_MAX)]
    auth: Annotated[str, _shown(maxLength=BASE64URL_LENGTH_MAX)]


class Subscription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A `PushSubscription`, as the browser's `toJSON()` gives it."""

    endpoint: Annotated[str, _shown(format="uri", pattern="^https://", maxLength=ENDPOINT_LENGTH_MAX)]
    keys: SubscriptionKeys
    expiration_time: float | None = None
    """Not kept: the push service says when it is over."""


class NewDevice(Body, frozen=True, kw_only=True):
    channel: Literal["fcm", "web_push"]
    token: Annotated[str, _shown(minLength=1, maxLength=TOKEN_LENGTH_MAX)] | None = None
    """For `fcm`: the app's registration token."""
    subscription: Subscription | None = None
    """For `web_push`."""
    name: Annotated[str, _shown(maxLength=NAME_LENGTH_MAX)] | None = None
    """By which you recognise it."""


class PeopleWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def edit_preferences(self, call: Call, body: PreferencesEdits) -> Answer[PreferencesView]:
        """Fields that are not named stay as they are, and so do kinds and ways within `channels`."""
        who, quiet = call.caller, body.quiet_hours
        if isinstance(quiet, QuietHoursWish):
            kept: QuietHours | UnsetType | None = QuietHours(**msgspec.structs.asdict(quiet))
        else:
            kept = quiet
        command = ChangePreferences(
            user_id=who.user_id,
            workspace_id=who.personal_workspace_id,
            at=call.asked_at,
            choices=_choices(body),
            time_zone=body.time_zone,
            quiet_hours=kept,
            digest_at=body.digest_at,
            due_soon=body.due_soon,
        )
        return await self.service.ask(command, call)

    async def register_device(self, call: Call, body: NewDevice) -> Answer[DeviceView]:
        """One that is registered already gets what is new about it (200). A 21st takes the place of the oldest."""
        command = RegisterDevice(
            user_id=call.caller.user_id, channel=body.channel, target=_target(body), name=body.name, at=call.asked_at
        )
        return await self.service.ask(command, call)

    async def remove_device(self, call: Call, device_id: DeviceId) -> Answer[None]:
        """Nothing is pushed to it any more."""
        command = RemoveDevice(user_id=call.caller.user_id, device_id=device_id, at=call.asked_at)
        return await self.service.ask(command, call)


def _choices(body: PreferencesEdits) -> tuple[Choice, ...]:
    chosen = {} if body.channels is UNSET else body.channels
    return tuple(
        Choice(kind=kind, channel=channel, wanted=wanted)
        for kind, channels in chosen.items()
        for channel, wanted in channels.items()
    )


def _target(body: NewDevice) -> dict[str, str]:
    """
    Raises:
        Invalid: the channel and what is given for it do not go together.
    """
    given = {name for name in ("token", "subscription") if getattr(body, name) is not None}
    needed = "token" if body.channel == "fcm" else "subscription"
    if given != {needed}:
        raise Invalid.at(f"/{needed}", f"A device of {body.channel} needs its {needed}, and nothing else of the kind.")
    if body.subscription is None:
        return {"token": body.token or ""}
    keys = body.subscription.keys
    return {"endpoint": body.subscription.endpoint, "p256dh": keys.p256dh, "auth": keys.auth}


def people_write_routes(service: Service) -> Sequence[Route]:
    handlers = PeopleWrites(service)
    return (
        _route(
            "PATCH",
            "/api/notification-preferences",
            handlers.edit_preferences,
            "Change what you are told, and how.",
            "notification preferences",
        ),
        _route("POST", "/api/devices", handlers.register_device, "Register a device for pushes.", "devices"),
        _route("DELETE", "/api/devices/{device_id}", handlers.remove_device, "Remove a device.", "devices", NotFound),
    )


def _route(method: Any, path: str, handle: Any, summary: str, tag: str, *errors: type[SigdepError]) -> Route:
    return Route(
        method=method,
        path=path,
        handle=handle,
        summary=summary,
        tag=tag,
        scope="notifications:write",
        errors=errors,
    )

"""The devices of a person: where something can be pushed to."""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound
from sigdep.kernel.messages import State
from sigdep.notifications.commands.people import DevicesCommand, RegisterDevice, RemoveDevice
from sigdep.notifications.events.people import Channel, DeviceId, DeviceRegistered, DeviceRemoved, DevicesEvent
from sigdep.notifications.queries.people import DeviceView

DEVICES_MAX: Final = 20
"""Of one person. One more takes the place of the one that registered longest ago: tokens change, and pile up."""

TOKEN_LENGTH_MAX: Final = 4_096
ENDPOINT_LENGTH_MAX: Final = 2_048
NAME_LENGTH_MAX: Final = 100
POINT_OCTETS: Final = 65
"""An uncompressed point on P-256 (RFC 8291 §3.1)."""
SECRET_OCTETS: Final = 16
"""RFC 8291 §3.2."""

_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""Of the curve P-256: y² = x³ - 3x + B, modulo P."""

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}", re.ASCII)

_IDS: Final = UUID("0b6a2bb0-5d8d-5f0a-8a41-5b1f0e7c2a64")
"""Namespace (RFC 9562 §5.5) of the ids of devices."""

_NOBODY: Final = UUID(int=0)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Where something can be pushed to."""

    id: DeviceId
    channel: Channel
    target: Mapping[str, str]
    """See `target_of`."""
    name: str | None
    registered_at: datetime


class Devices(State):
    """All devices of one person, in the order in which they registered."""

    user_id: UserId = UserId(_NOBODY)
    devices: tuple[Device, ...] = ()
    version: int = 0
    """Grows with every event."""


class DeviceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This device is not registered, or it is somebody else's.")


def device_id(channel: Channel, target: Mapping[str, str]) -> DeviceId:
    """The same for the same address in a channel, whatever else belongs to it."""
    return DeviceId(uuid5(_IDS, f"{channel} {target.get('token') or target.get('endpoint')}"))


def target_of(device: Device) -> bytes:
    """Where its channel is to send to: JSON in the channel's own shape (`kernel/channel.py`)."""
    target: dict[str, Any] = dict(device.target)
    if device.channel == "web_push":  # As the browser gave it.
        target = {"endpoint": target["endpoint"], "keys": {name: target[name] for name in ("p256dh", "auth")}}
    return msgspec.json.encode(target)


def device_view(device: Device) -> DeviceView:
    return DeviceView(id=device.id, channel=device.channel, name=device.name, registered_at=device.registered_at)


def decide(command: DevicesCommand, devices: Devices) -> list[DevicesEvent]:
    """
    Raises:
        DeviceNotFound, Invalid.
    """
    match command:
        case RegisterDevice():
            return _decide_register(command, devices)
        case RemoveDevice():
            if all(device.id != command.device_id for device in devices.devices):
                if command.gone:
                    return []  # Several deliveries may hear at once that it is gone.
                raise DeviceNotFound
            return [
                DeviceRemoved(user_id=command.user_id, device_id=command.device_id, gone=command.gone, at=command.at)
            ]


def _decide_register(command: RegisterDevice, devices: Devices) -> list[DevicesEvent]:
    target, name = _target(command.channel, command.target), _name(command.name)
    identity = device_id(command.channel, target)
    others = [device for device in devices.devices if device.id != identity]
    for device in devices.devices:
        if device.id == identity and (device.target, device.name) == (target, name):
            return []
    registered = DeviceRegistered(
        user_id=command.user_id,
        device_id=identity,
        channel=command.channel,
        target=target,
        name=name,
        at=command.at,
    )
    if len(others) < DEVICES_MAX:
        return [registered]
    oldest = others[0].id
    return [DeviceRemoved(user_id=command.user_id, device_id=oldest, gone=False, at=command.at), registered]


def _name(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if len(text) > NAME_LENGTH_MAX or not text.isprintable():
        raise Invalid.at("/name", f"The name of a device has {NAME_LENGTH_MAX} characters at most, on one line.")
    return text.strip()


def _target(channel: Channel, target: Mapping[str, str]) -> dict[str, str]:
    match channel:
        case "fcm":
            return {"token": _text(target, "token", TOKEN_LENGTH_MAX, "/token")}
        case "web_push":
            endpoint = _text(target, "endpoint", ENDPOINT_LENGTH_MAX, "/subscription/endpoint")
            if not endpoint.startswith("https://"):
                raise Invalid.at("/subscription/endpoint", "The endpoint of a push service is an https URL.")
            point, secret = _octets(target, "p256dh", POINT_OCTETS), _octets(target, "auth", SECRET_OCTETS)
            if not _is_on_curve(urlsafe_b64decode(f"{point}=")):
                raise Invalid.at("/subscription/keys/p256dh", "This is no point of the curve P-256.")
            return {"endpoint": endpoint, "p256dh": point, "auth": secret}
        case "email":
            raise Invalid.at("/channel", "E-mail goes to the address of the account: it needs no device.")


def _text(target: Mapping[str, str], name: str, length_max: int, pointer: str) -> str:
    text = target.get(name, "")
    if not 0 < len(text) <= length_max or not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid.at(pointer, f"This needs 1 to {length_max:,} characters, of ASCII and without white space.")
    return text


def _octets(target: Mapping[str, str], name: str, length: int) -> str:
    pointer = f"/subscription/keys/{name}"
    text = _text(target, name, length * 2, pointer)
    try:
        # The decoder passes over what is no base64url, and would take a key with anything in between.
        fits = _BASE64URL.fullmatch(text) is not None
        octets = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)) if fits else b""
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != length:
        raise Invalid.at(pointer, f"This needs {length} octets in base64url, as browsers give them.")
    return text.rstrip("=")


def _is_on_curve(point: bytes) -> bool:
    """Whether it is an uncompressed point of P-256 (SEC 1 §2.3.4, NIST SP 800-186 §3.2.1.3)."""
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    return point[0] == 4 and x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0


def evolve(devices: Devices, event: DevicesEvent) -> Devices:
    """The devices after the event. Never raises: what is in the log has happened."""
    others = tuple(device for device in devices.devices if device.id != event.device_id)
    version = devices.version + 1
    match event:
        case DeviceRegistered():
            device = Device(
                id=event.device_id,
                channel=event.channel,
                target=event.target,
                name=event.name,
                registered_at=event.at,
            )
            return Devices(user_id=event.user_id, devices=(*others, device), version=version)
        case DeviceRemoved():
            return replace(devices, devices=others, version=version)


DEVICES: Final = Decider[Any, Devices](
    category="devices", initial=Devices(), decide=decide, evolve=evolve, schema="devices-1"
)

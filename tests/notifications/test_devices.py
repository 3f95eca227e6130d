"""The devices of a person: what is registered, what takes whose place, and what is nonsense."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.notifications.commands.people import RegisterDevice, RemoveDevice
from sigdep.notifications.domain.devices import (
    DEVICES,
    DEVICES_MAX,
    DeviceNotFound,
    device_id,
    device_view,
    target_of,
)
from sigdep.notifications.events.people import DeviceRegistered, DeviceRemoved
from sigdep.testing.given import Given
from tests.notifications.stories import BOB, LATER

given = Given(DEVICES)

GENERATOR = bytes.fromhex(
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
)
"""A point of P-256 that everybody knows (NIST SP 800-186 §3.2.1.3)."""
POINT = urlsafe_b64encode(GENERATOR).decode().rstrip("=")
BESIDE = urlsafe_b64encode(GENERATOR[:-1] + b"\xf4").decode().rstrip("=")
OTHER_FORM = urlsafe_b64encode(b"\x06" + GENERATOR[1:]).decode().rstrip("=")
AUTH = urlsafe_b64encode(b"y" * 16).decode().rstrip("=")
BROWSER = {"endpoint": "https://push.example.org/1", "p256dh": POINT, "auth": AUTH}


def register(token: str = "t0", **fields: Any) -> RegisterDevice:
    content: dict[str, Any] = {"channel": "fcm", "target": {"token": token}} | fields
    return RegisterDevice(user_id=BOB, at=LATER, **content)


def registered(token: str = "t0", name: str | None = None) -> DeviceRegistered:
    target = {"token": token}
    one = device_id("fcm", target)
    return DeviceRegistered(user_id=BOB, device_id=one, channel="fcm", target=target, name=name, at=LATER)


def remove(token: str = "t0", *, gone: bool = False) -> RemoveDevice:
    return RemoveDevice(user_id=BOB, device_id=device_id("fcm", {"token": token}), gone=gone, at=LATER)


def test_a_device_registers_once_and_again_with_a_new_name() -> None:
    past = given().when(register()).then(registered())
    past.when(register()).then()
    after = past.when(register(name=" Phone ")).then(registered(name="Phone"))
    assert [device.name for device in after.state.devices] == ["Phone"]


def test_one_more_takes_the_place_of_the_oldest() -> None:
    past = given(*(registered(f"t{number}") for number in range(DEVICES_MAX)))
    oldest = DeviceRemoved(user_id=BOB, device_id=device_id("fcm", {"token": "t0"}), gone=False, at=LATER)
    after = past.when(register("new")).then(oldest, registered("new"))
    assert len(after.state.devices) == DEVICES_MAX


def test_what_is_gone_may_be_removed_by_several_at_once_and_what_is_unknown_by_nobody() -> None:
    given(registered()).when(remove()).then(
        DeviceRemoved(user_id=BOB, device_id=registered().device_id, gone=False, at=LATER)
    )
    given().when(remove(gone=True)).then()
    given().when(remove()).refused(DeviceNotFound)


def test_a_browsers_keys_may_change_and_it_stays_one_device() -> None:
    renewed = BROWSER | {"auth": urlsafe_b64encode(b"z" * 16).decode()}
    past = given().when(register(channel="web_push", target=BROWSER))
    (first,) = past.decider.decide(past.command, past.state)
    after = given(first).when(register(channel="web_push", target=renewed))
    (second,) = after.decider.decide(after.command, after.state)
    (device,) = given(first, second).state.devices
    assert json.loads(target_of(device)) == {
        "endpoint": BROWSER["endpoint"],
        "keys": {"p256dh": POINT, "auth": renewed["auth"].rstrip("=")},
    }
    assert not {"p256dh", "auth", "endpoint"} & set(device_view(device).__struct_fields__)


@pytest.mark.parametrize(
    "fields, pointer",
    [
        ({"target": {}}, "/token"),
        ({"target": {"token": "x" * 4_097}}, "/token"),
        ({"target": {"token": "a b"}}, "/token"),
        (
            {"channel": "web_push", "target": BROWSER | {"endpoint": "http://push.example.org"}},
            "/subscription/endpoint",
        ),
        ({"channel": "web_push", "target": BROWSER | {"p256dh": AUTH}}, "/subscription/keys/p256dh"),
        ({"channel": "web_push", "target": BROWSER | {"p256dh": BESIDE}}, "/subscription/keys/p256dh"),
        ({"channel": "web_push", "target": BROWSER | {"p256dh": OTHER_FORM}}, "/subscription/keys/p256dh"),
        ({"channel": "web_push", "target": BROWSER | {"auth": AUTH[:-3]}}, "/subscription/keys/auth"),
        ({"channel": "web_push", "target": BROWSER | {"auth": f"{AUTH[:4]}!!!!{AUTH[4:]}"}}, "/subscription/keys/auth"),
        ({"channel": "web_push", "target": BROWSER | {"auth": "!"}}, "/subscription/keys/auth"),
        ({"channel": "email", "target": {}}, "/channel"),
        ({"name": "x" * 101}, "/name"),
    ],
)
def test_nonsense_is_refused_and_says_where_it_is(fields: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        DEVICES.decide(register(**fields), DEVICES.initial)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]

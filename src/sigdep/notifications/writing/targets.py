"""Where a delivery goes: a person's address, which is asked for each time, or one of their devices."""

from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from sigdep.contracts.membership import Contact, FindContact
from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import NotFound
from sigdep.notifications.commands.people import RemoveDevice
from sigdep.notifications.domain.delivery import Delivery
from sigdep.notifications.domain.devices import Device
from sigdep.notifications.events.people import DeviceId
from sigdep.notifications.writing.attempt import Surroundings
from sigdep.rpc.call import Service

_encode: Final = msgspec.json.Encoder().encode


class Targets(Protocol):
    """Knows where deliveries go."""

    async def find(self, delivery: Delivery) -> bytes | None:
        """The target as its channel wants it, as JSON. None: it is gone.

        Raises:
            Unavailable: whoever knows is away.
        """
        ...

    async def forget(self, delivery: Delivery) -> None:
        """Its channel has said that nothing will ever reach the target again. Safe to repeat."""
        ...


class TargetsOfPeople:
    """Targets: the addresses are known in the context of users, the devices here."""

    def __init__(self, around: Surroundings, *, users: Service, write: Service) -> None:
        """
        Args:
            users: answers FindContact.
            write: the writing side of this context.
        """
        self._around, self._users, self._write = around, users, write

    async def find(self, delivery: Delivery) -> bytes | None:
        if delivery.channel == "email":
            return await self._address(delivery)
        devices = self._around.devices
        known = (await devices.latest(devices.decider.stream(delivery.recipient_id))).state
        return next((_target(one) for one in known.devices if one.id == delivery.target_id), None)

    async def _address(self, delivery: Delivery) -> bytes | None:
        try:
            found: Contact = (await self._users.ask(FindContact(user_id=delivery.recipient_id), internal_call())).value
        except NotFound:
            return None
        return _encode({"address": found.email, "name": found.name})

    async def forget(self, delivery: Delivery) -> None:
        """An address stays as it is: it is their account's, and only they can say that they have another one."""
        if delivery.channel == "email":
            return
        call = internal_call()
        command = RemoveDevice(
            user_id=delivery.recipient_id, device_id=DeviceId(delivery.target_id), at=call.asked_at, gone=True
        )
        await self._write.ask(command, replace(call, principal=None))


def _target(device: Device) -> bytes:
    target = dict(device.target)
    if device.channel == "web_push":
        return _encode({"endpoint": target.pop("endpoint"), "keys": target})
    return _encode(target)

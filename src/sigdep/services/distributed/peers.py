"""The other services, as this one asks them: one channel for each, made when it is first needed."""

from types import TracebackType
from typing import Self

import grpc

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.broker import Broker
from sigdep.kernel.sealed_log import SealedLog
from sigdep.kernel.signed_rows import ROWS
from sigdep.rpc.call import Service
from sigdep.rpc.channel import open_channel
from sigdep.rpc.client import RemoteService
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.log import RemoteLog
from sigdep.rpc.passports import Passports
from sigdep.rpc.public_log import RemotePublicLog
from sigdep.services.distributed.brokered_log import BrokeredLog
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.watch import Watch


class Peers:
    """`async with Peers(settings, passports, watch) as peers:` every channel is closed at the end of the block."""

    def __init__(self, settings: ServiceSettings, passports: Passports, watch: Watch) -> None:
        """
        Args:
            passports: by which they make sure that it is this process that asks, and for whom.
        """
        self._settings = settings
        self._passports = passports
        self._watch = watch
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._services: dict[ServiceContract, tuple[RemoteService, Service]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for service, _ in self._services.values():
            await service.close()
        for channel in self._channels.values():
            await channel.close()

    def service(self, contract: ServiceContract) -> Service:
        """The same one whenever it is asked for: what waits for it is sent together.

        Raises:
            BadSetting: nobody has said where it is.
        """
        if contract not in self._services:
            sign = self._passports.signer(contract.name)
            service = RemoteService.over(self._channel(contract.name), contract, sign=sign)
            self._services[contract] = service, self._watch.peer(contract, service)
        return self._services[contract][1]

    def log(self, context: str, broker: Broker | None) -> SealedLog:
        """The log of a context, which its writing side keeps.

        Args:
            broker: by which to follow it; None: it is followed directly.
        """
        owner = f"{context}.write"
        log = RemoteLog(self._channel(owner), self._passports.signer(owner))
        return log if broker is None else BrokeredLog(context, log, broker, self._passports.derive_key(ROWS))

    def public_log(self, context: str) -> PublicLog:
        """What a context tells the others. It tells that itself: the broker carries rows for those who know its log."""
        owner = f"{context}.write"
        return RemotePublicLog(self._channel(owner), self._passports.signer(owner))

    def _channel(self, service: str) -> grpc.aio.Channel:
        channel = self._channels.get(service)
        if channel is None:
            target = self._settings.required(service.replace(".", "_"))
            channel = self._channels[service] = open_channel(target, self._settings.tls)
        return channel

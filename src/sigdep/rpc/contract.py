"""What a service answers, for those who ask it from another process."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from sigdep.kernel.messages import Command, Query

PACKAGES: Final = "sigdep"
EDITION: Final = "v1"
"""Part of every package: what cannot be an extension of v1 begins a v2 beside it."""

Message = type[Command] | type[Query]

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class FileContract(Struct, frozen=True, kw_only=True, eq=False):
    """Types that are described in one `.proto` file."""

    name: str
    """`<context>.<role>`, as in `tasks.write`."""
    structs: tuple[type[Struct], ...] = ()
    """Described by themselves, whether or not a message holds them."""

    @property
    def context(self) -> str:
        return self.name.partition(".")[0]

    @property
    def role(self) -> str:
        return self.name.partition(".")[2]

    @property
    def package(self) -> str:
        return f"{PACKAGES}.{self.context}.{EDITION}"

    @property
    def path(self) -> str:
        """Of the `.proto` file, below the folder of all of them."""
        return f"{PACKAGES}/{self.context}/{EDITION}/{self.role}.proto"


class ServiceContract(FileContract, frozen=True, kw_only=True, eq=False):
    """A service and every message that it answers."""

    messages: tuple[Message, ...]
    values: Mapping[Message, Any] = {}
    """The types of those answers that callers take apart. All others stay the JSON that they are."""

    @property
    def service(self) -> str:
        """Its name in the `.proto` file: `Write`."""
        return camel(self.role)

    @property
    def full_name(self) -> str:
        """Its name on the wire: `sigdep.tasks.v1.Write`."""
        return f"{self.package}.{self.service}"

    @property
    def item(self) -> str:
        """The message that holds one of the service's messages."""
        return f"{self.service}Item"

    @property
    def batch(self) -> str:
        """The message that holds several of the service's messages."""
        return f"{self.service}Batch"


class StreamContract(FileContract, frozen=True, kw_only=True, eq=False):
    """A service that is asked one thing, and answers for ever."""

    method: str
    asked: type[Struct]
    answered: type[Struct]

    @property
    def service(self) -> str:
        return camel(self.role)

    @property
    def full_name(self) -> str:
        return f"{self.package}.{self.service}"

    @property
    def full_method(self) -> str:
        """Its method's name on the wire: `/sigdep.contracts.v1.PublicLog/Follow`."""
        return f"/{self.full_name}/{self.method}"


def snake(name: str) -> str:
    """`CreateTask` → `create_task`."""
    return _CAPITAL.sub("_", name).lower()


def camel(name: str) -> str:
    """`create_task` → `CreateTask`."""
    return "".join(part.capitalize() for part in name.split("_"))

"""What travels through SigDep: a command asks, an event records, a query looks."""

from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform

from msgspec import UNSET, Struct, StructMeta, UnsetType, field

__all__ = ["UNSET", "Command", "Event", "Query", "State", "UnsetType", "field"]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class MessageMeta(StructMeta):
    """Makes every message frozen and keyword-only, which msgspec does not inherit.

    Messages are made of plain values, so they never stand in a circle: the garbage collector need not look at
    them. With hundreds of commands in flight it took half of the event loop's time to find that out.
    """

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        return super().__new__(mcls, name, bases, namespace, **{"frozen": True, "kw_only": True, "gc": False} | config)


class Command(Struct, metaclass=MessageMeta):
    """A request to change something. It may be refused."""


class Query(Struct, metaclass=MessageMeta):
    """A question. Asking it changes nothing."""


class State(Struct, metaclass=MessageMeta):
    """What an aggregate has become by its events."""


class Event(Struct, metaclass=MessageMeta):
    """A fact about one stream, in the past tense. Never edited, never deleted.

    Stored under its bare class name: the class may move to another module, and never be renamed.
    """

    schema_version: ClassVar[int] = 1
    """Raised whenever a field changes its meaning or loses its default; `upcasters` lead from the old to the new."""

    upcasters: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
    """From a schema version to the next: plain JSON in, plain JSON out, pure."""

    numbered: ClassVar[bool] = False
    """The store gives this event the next number of its workspace, in its field `number: int = 0`."""

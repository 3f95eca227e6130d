"""Between our Structs and protobuf's messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType

from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.kernel.errors import Invalid
from sigdep.rpc.call import Call, Principal
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.generate import contracts
from sigdep.rpc.mapping import MAPPERS
from sigdep.rpc.messages import message_class
from sigdep.rpc.shapes import Unmappable, shapes_of
from sigdep.rpc.wire import SHARED
from sigdep.tasks.commands.tasks import CreateTask, EditTask
from sigdep.tasks.contract import READ, WRITE
from sigdep.tasks.queries import ListTasks
from tests.rpc.messages import structs
from tests.tasks.stories import NOON

ADA, HOME, TASK = UserId(UUID(int=1)), WorkspaceId(UUID(int=2)), TaskId(UUID(int=3))

ASKED = [
    pytest.param(contract, message, id=f"{contract.name} {message.__name__}")
    for contract in contracts()
    if isinstance(contract, ServiceContract)
    for message in contract.messages
]


def over_the_wire(contract: Any, value: Struct) -> Any:
    """As the other side reads it."""
    kind = message_class(contract, type(value).__name__)
    sent = kind()
    MAPPERS.of(type(value)).fill(value, sent)
    return MAPPERS.of(type(value)).read(kind.FromString(sent.SerializeToString()))


@pytest.mark.parametrize("contract, message", ASKED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_message_survives_the_wire(contract: ServiceContract, message: type[Struct], data: st.DataObject) -> None:
    value = data.draw(structs(message))
    assert over_the_wire(contract, value) == value


@settings(max_examples=100, deadline=None)
@given(call=structs(Call))
def test_a_call_survives_the_wire(call: Call) -> None:
    assert over_the_wire(SHARED, call) == call


def edit(**fields: Any) -> EditTask:
    return EditTask(task_id=TASK, by=ADA, at=NOON, **fields)


@pytest.mark.parametrize("value", [UNSET, None, NOON], ids=["unset", "null", "value"])
def test_a_field_is_left_alone_or_cleared_or_set(value: Any) -> None:
    assert over_the_wire(WRITE, edit(due_at=value)).due_at is value or value == NOON
    assert over_the_wire(WRITE, edit(due_at=value)).due_at == value


@pytest.mark.parametrize("value", [UNSET, (), ("errand",)], ids=["unset", "empty", "value"])
def test_a_list_is_left_alone_or_emptied_or_set(value: Any) -> None:
    assert over_the_wire(WRITE, edit(labels=value)).labels == value


@pytest.mark.parametrize("scopes", [None, frozenset(), frozenset({"tasks:read"})])
def test_a_token_without_any_scope_does_not_become_one_with_all(scopes: Any) -> None:
    principal = Principal(user_id=ADA, personal_workspace_id=HOME, roles={HOME: "owner"}, scopes=scopes)
    assert over_the_wire(SHARED, principal).scopes == scopes


def test_an_instant_keeps_its_offset() -> None:
    due = datetime.fromisoformat("2026-11-01T10:00:00.000001+05:45")
    received = over_the_wire(WRITE, edit(due_at=due)).due_at
    assert (received, received.utcoffset()) == (due, due.utcoffset())


def test_whole_numbers_in_content_of_any_shape_stay_whole() -> None:
    custom = {"points": 3, "share": 3.0, "nested": {"gone": None, "big": 2**60 + 1}}
    received = over_the_wire(WRITE, edit(custom=custom)).custom
    assert received == custom
    assert [type(received[name]) for name in ("points", "share")] == [int, float]


def test_a_number_beyond_the_wire_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as refusal:
        over_the_wire(READ, ListTasks(limit=2**63))
    assert refusal.value.faults[0].pointer == "/limit"


def test_a_message_that_lacks_something_is_refused_by_name() -> None:
    received = message_class(WRITE, "CreateTask")(by=str(ADA), at="2026-11-01T10:00:00Z")
    with pytest.raises(Invalid) as refusal:
        MAPPERS.of(CreateTask).read(received)
    assert [fault.pointer for fault in refusal.value.faults] == ["/title"]


@pytest.mark.parametrize(
    "field, value",
    [
        *(("by", "ada"), ("at", "noon"), ("status", "opened"), ("assignee_ids", ["x"])),
        *(("custom", "{"), ("custom", "[]"), ("custom", "[" * 100_000)),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(field: str, value: Any) -> None:
    fields = {"by": str(ADA), "at": "2026-11-01T10:00:00Z", "title": "Buy milk"} | {field: value}
    with pytest.raises(Invalid) as refusal:
        MAPPERS.of(CreateTask).read(message_class(WRITE, "CreateTask")(**fields))
    assert refusal.value.faults[0].pointer == f"/{field}"


def test_only_what_can_be_cleared_is_cleared() -> None:
    received = message_class(WRITE, "EditTask")(
        task_id=str(TASK), by=str(ADA), at="2026-11-01T10:00:00Z", cleared=["title"]
    )
    with pytest.raises(Invalid):
        MAPPERS.of(EditTask).read(received)


class ThreeStatesOfAList(Struct):
    tags: Sequence[str] | UnsetType | None = UNSET


class NothingInAList(Struct):
    tags: tuple[str | None, ...]


class Pair(Struct):
    pair: tuple[str, int]


class Complex(Struct):
    number: complex


@pytest.mark.parametrize("kind", [ThreeStatesOfAList, NothingInAList, Pair, Complex])
def test_a_type_that_the_wire_cannot_carry_is_refused_when_it_is_described(kind: type[Struct]) -> None:
    with pytest.raises(Unmappable, match=kind.__name__):
        shapes_of(kind)

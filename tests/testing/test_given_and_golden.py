"""The tools that other tests rest on are themselves watched failing."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import Command, Event, State
from sigdep.testing.given import Given
from sigdep.testing.golden import golden_faults


class Lit(Event):
    colour: str = "white"


class Light(Command):
    colour: str = "white"


class Lamp(State):
    lit: bool = False


def decide(command: Light, lamp: Lamp) -> list[Lit]:
    if lamp.lit:
        raise Refused("The lamp is lit.")
    return [Lit(colour=command.colour)]


lamp = Decider(category="lamp", initial=Lamp(), decide=decide, evolve=lambda state, event: Lamp(lit=True), schema="1")
given = Given(lamp)


def test_the_expected_decision_passes() -> None:
    given().when(Light()).then(Lit())
    given(Lit()).when(Light()).refused(Refused, saying="is lit")


def test_what_was_decided_is_past_for_the_next_command() -> None:
    given().when(Light()).then(Lit()).when(Light()).refused(Refused)


def test_another_event_than_the_expected_one_fails() -> None:
    with pytest.raises(AssertionError):
        given().when(Light(colour="red")).then(Lit())


def test_a_decision_where_a_refusal_was_expected_fails() -> None:
    with pytest.raises(pytest.fail.Exception):
        given().when(Light()).refused(Refused)


def test_another_refusal_than_the_expected_one_fails() -> None:
    with pytest.raises(AssertionError, match="The lamp is lit"):
        given(Lit()).when(Light()).refused(NotFound)


def faults(folder: Path, examples: dict[str, Any], *kinds: type[Event]) -> list[str]:
    file = folder / "golden.json"
    file.write_text(json.dumps(examples))
    return golden_faults(file, kinds)


def test_a_golden_file_with_every_event_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, {"Lit": {"1": {"colour": "red"}}}, Lit) == []


def test_an_event_without_an_example_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {}, Lit)
    assert "Lit 1 has no example" in fault


def test_an_event_that_left_the_code_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {"Lit": {"1": {}}, "Smashed": {"1": {}}}, Lit)
    assert "Smashed is gone" in fault


def test_an_example_that_no_longer_decodes_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {"Lit": {"1": {"colour": 7}}}, Lit)
    assert "cannot be read any more" in fault


def test_a_field_that_was_lost_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {"Lit": {"1": {"color": "red"}}}, Lit)
    assert "has lost color" in fault


def test_an_old_example_goes_through_the_upcasters(tmp_path: Path) -> None:
    class Dimmed(Event):
        schema_version: ClassVar[int] = 2
        upcasters: ClassVar[Any] = {1: lambda content: {"percent": content["tenths"] * 10}}
        percent: int

    assert faults(tmp_path, {"Dimmed": {"1": {"tenths": 3}, "2": {"percent": 30}}}, Dimmed) == []
    assert faults(tmp_path, {"Dimmed": {"1": {"tens": 3}, "2": {"percent": 30}}}, Dimmed) != []

"""What does not fit its type is told in words, at the place where it is."""

from collections.abc import Mapping
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from sigdep.http.faults import faults_of
from sigdep.kernel.errors import Fault

Way = Literal["email", "push"]


class Wishes(Struct, frozen=True, kw_only=True):
    busy: bool | None = None
    ways: Mapping[Way, bool] | UnsetType = UNSET


def test_the_name_of_a_part_that_may_not_be_there_is_its_place() -> None:
    (fault,) = faults_of({"ways": {"email": True, "pig/eon": True}}, Wishes)
    assert fault == Fault("/ways/pig~1eon", "Expected one of email, push.")


def test_a_part_of_a_wrong_type_is_named() -> None:
    assert faults_of({"ways": {"push": None}}, Wishes) == [Fault("/ways/push", "Expected true or false, got null.")]


def test_several_types_are_told_in_words_as_one_is() -> None:
    assert faults_of({"busy": "yes"}, Wishes) == [Fault("/busy", "Expected true or false or null, got a string.")]


def test_what_fits_has_no_faults() -> None:
    assert faults_of({"busy": None, "ways": {"email": False}}, Wishes) == []

"""Settings: which value wins, and what is said about a bad one."""

import dataclasses

import pytest

from sigdep.gateway.settings import Limits
from sigdep.http.limiting import Rate
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.gateway_settings import gateway_settings, limits_of
from sigdep.services.settings import BadSetting, load_settings, load_settings_of


def test_an_option_beats_a_variable_which_beats_the_default() -> None:
    settings, origins = load_settings({"SIGDEP_PORT": "9000", "SIGDEP_HOST": "0.0.0.0"}, {"port": 9001, "host": None})
    assert (settings.port, settings.host, settings.limits) == (9001, "0.0.0.0", True)
    by_name = {origin.name: origin.origin for origin in origins}
    assert (by_name["port"], by_name["host"], by_name["limits"]) == ("command line", "environment", "default")


def test_a_variable_that_sets_nothing_is_refused_by_name() -> None:
    with pytest.raises(BadSetting, match="SIGDEP_PROT sets nothing"):
        load_settings({"SIGDEP_PROT": "9000"}, {})


@pytest.mark.parametrize(
    "variable, value, taken",
    [
        ("SIGDEP_PORT", "70000", "a whole number between 0 and 65,535"),
        ("SIGDEP_PORT", "abc", "a whole number between 0 and 65,535"),
        ("SIGDEP_PORT", "", "a whole number between 0 and 65,535"),
        ("SIGDEP_LIMIT_BURST", "0", "a whole number from 1 on"),
        ("SIGDEP_TRACE_RATIO", "often", "a number between 0 and 1"),
        ("SIGDEP_LIMITS", "perhaps", "true or false"),
        ("SIGDEP_LOG_LEVEL", "loud", "debug, error, info or warning"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(variable: str, value: str, taken: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load_settings({variable: value}, {})
    assert str(refused.value) == f"{variable} cannot be {value!r}: it takes {taken}."


def test_what_may_be_left_out_says_what_it_takes_otherwise() -> None:
    with pytest.raises(BadSetting, match="it takes a whole number between 0 and 65,535"):
        load_settings_of(ServiceSettings, {"SIGDEP_METRICS_PORT": "-1"}, {})


def test_every_limit_of_the_gateway_can_be_set() -> None:
    names = {"user": "LIMIT", "address": "ADDRESS_LIMIT"}
    names |= {name: f"{name.upper()}_LIMIT" for name in ("sign_in", "for_many", "bad_token")}
    assert {field.name for field in dataclasses.fields(Limits)} == names.keys()
    environment: dict[str, str] = {}
    for number, name in enumerate(names.values(), start=1):
        environment |= {f"SIGDEP_{name}_PER_SECOND": f"{number}", f"SIGDEP_{name}_BURST": f"{number}00"}
    limits = limits_of(load_settings(environment, {})[0])
    assert [getattr(limits, name) for name in names] == [
        Rate(per_second=number, burst=number * 100) for number in range(1, 6)
    ]


def test_without_limits_passwords_are_guarded_all_the_same() -> None:
    settings, _ = load_settings({"SIGDEP_LIMITS": "false"}, {})
    assert gateway_settings(settings, b"sixteen bytes at least").limits is None
    assert settings.guess_limits


def test_every_setting_says_what_it_is_for() -> None:
    _, origins = load_settings({}, {})
    assert all(origin.about.endswith(".") for origin in origins)

"""Settings: which value wins, and what is said about a bad one."""

import pytest

from sigdep.services.settings import BadSetting, load_settings


def test_an_option_beats_a_variable_which_beats_the_default() -> None:
    settings, origins = load_settings({"SIGDEP_PORT": "9000", "SIGDEP_HOST": "0.0.0.0"}, {"port": 9001, "host": None})
    assert (settings.port, settings.host, settings.limits) == (9001, "0.0.0.0", True)
    by_name = {origin.name: origin.origin for origin in origins}
    assert (by_name["port"], by_name["host"], by_name["limits"]) == ("command line", "environment", "default")


def test_a_variable_that_sets_nothing_is_refused_by_name() -> None:
    with pytest.raises(BadSetting, match="SIGDEP_PROT sets nothing"):
        load_settings({"SIGDEP_PROT": "9000"}, {})


@pytest.mark.parametrize("variable, value", [("SIGDEP_PORT", "70000"), ("SIGDEP_LIMITS", "perhaps")])
def test_a_value_that_does_not_fit_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"{variable} cannot be '{value}'"):
        load_settings({variable: value}, {})


def test_every_setting_says_what_it_is_for() -> None:
    _, origins = load_settings({}, {})
    assert all(origin.about.endswith(".") for origin in origins)

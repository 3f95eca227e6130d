"""The harness around `sigdep up` tells what it needs to tell. What it starts is tested in tests/system."""

import json
from pathlib import Path

import pytest

from sigdep.testing.running_server import RunningServer, StartFailed, running_server


def test_a_server_that_does_not_start_fails_at_once_with_what_it_printed(tmp_path: Path) -> None:
    with (
        pytest.raises(StartFailed, match=r"exit code 2(?s:.*)--no-such-option"),
        running_server(data=tmp_path / "data", options=("--no-such-option",)),
    ):
        pytest.fail("It must not have started.")


def test_it_has_the_settings_that_it_was_given_and_none_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGDEP_NO_SUCH_SETTING", "1")
    server = RunningServer(tmp_path / "data", tmp_path, options=(), variables={"SIGDEP_LIMIT_BURST": "77"})
    shown = server.run("config", "--json")
    assert shown.returncode == 0, shown.stderr
    values = {row["setting"]: row["value"] for row in json.loads(shown.stdout)}
    assert values["limit_burst"] == 77
    assert values["data_dir"] == str(tmp_path / "data")

"""`--service` and `--cluster` of `verify` and `rebuild`, refused where they make no sense."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sigdep.cli import main
from sigdep.services.distributed.places import Place, read_places, write_places

COMMANDS = [["verify"], ["rebuild", "tasks"]]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "given, sentence",
    [
        (["--service", "tasks.read", "--cluster"], "--service goes by variables alone"),
        (["--service", "tasks.read", "--data-dir", "somewhere"], "--service goes by variables alone"),
        (["--service", "gateway"], "No service gateway keeps anything"),
        (["--service", "tasks.red"], "No service tasks.red keeps anything"),
    ],
)
def test_what_names_no_service_is_refused(command: list[str], given: list[str], sentence: str) -> None:
    done = CliRunner().invoke(main, [*command, *given])
    assert done.exit_code == 2
    assert sentence in done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_on_which_no_cluster_runs_is_refused(command: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*command, "--cluster", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert f"No `sigdep cluster` runs on {tmp_path}." in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_service_without_its_secrets_is_refused_and_gets_none(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGDEP_SECRETS_DIR", str(tmp_path))
    done = CliRunner().invoke(main, [*command, "--service", "tasks.read"])
    assert done.exit_code == 1
    assert "holds no secrets of a distributed system" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_place_is_read_as_it_was_written(tmp_path: Path) -> None:
    place = Place(database_url="postgresql://a", keys_url="postgresql://b", secrets_dir="/c", log="127.0.0.1:1")
    write_places(tmp_path, {"tasks.read": place})
    assert read_places(tmp_path) == {"tasks.read": place}
    assert place.variables("tasks.read") == {
        "SIGDEP_DATABASE_URL": "postgresql://a",
        "SIGDEP_KEYS_URL": "postgresql://b",
        "SIGDEP_SECRETS_DIR": "/c",
        "SIGDEP_TASKS_WRITE": "127.0.0.1:1",
    }

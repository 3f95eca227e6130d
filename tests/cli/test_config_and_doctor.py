"""`sigdep config` and `sigdep doctor`, as a person calls them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sigdep.cli import COMMANDS, main


def test_config_lists_each_setting_with_its_origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGDEP_PORT", "9123")
    result = CliRunner().invoke(main, ["config", "--json", "--data-dir", str(tmp_path)])
    rows = {row["setting"]: row for row in json.loads(result.output)}
    assert (rows["port"]["value"], rows["port"]["origin"]) == (9123, "environment")
    assert (rows["data_dir"]["value"], rows["data_dir"]["origin"]) == (str(tmp_path), "command line")
    assert rows["limits"]["origin"] == "default"


@pytest.mark.parametrize("password", ["geheim", "ge:heim", "ge@heim", "ge/heim"])
def test_config_shows_no_password(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("SIGDEP_SMTP_URL", f"smtps://ada:{password}@mail.example:465")
    for options in ((), ("--json",)):
        result = CliRunner().invoke(main, ["config", *options])
        assert result.exit_code == 0
        assert "heim" not in result.output
        assert "mail.example:465" in result.output


def test_doctor_says_which_ways_out_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGDEP_SMTP_URL", "smtps://ada:geheim@mail.example")
    monkeypatch.setenv("SIGDEP_SMTP_FROM", "SigDep <sigdep@example.org>")
    options = ["doctor", "--port", "0", "--data-dir", str(tmp_path / "fresh")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    assert "✓ E-mail: set" in result.output
    assert "✓ Pushes to phones: set SIGDEP_FCM_ACCOUNT to send any" in result.output
    monkeypatch.setenv("SIGDEP_SMTP_FROM", "nobody")
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 1
    assert "✗ E-mail: SIGDEP_SMTP_FROM" in result.output
    assert "geheim" not in result.output


def test_a_bad_setting_ends_the_command_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGDEP_PORT", "many")
    result = CliRunner().invoke(main, ["config"])
    assert result.exit_code == 2
    assert "sigdep: SIGDEP_PORT cannot be 'many'" in result.output


def test_doctor_is_content_with_a_fresh_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--port", "0", "--data-dir", str(tmp_path / "fresh")])
    assert result.exit_code == 0, result.output
    assert "✗" not in result.output


def test_doctor_finds_a_secret_that_others_can_read(tmp_path: Path) -> None:
    secret = tmp_path / "secrets" / "key-encryption-key"
    secret.parent.mkdir()
    secret.write_bytes(b"1")
    secret.chmod(0o644)
    result = CliRunner().invoke(main, ["doctor", "--port", "0", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert f"chmod 600 {secret}" in result.output


def test_the_reference_lists_every_setting_with_its_default() -> None:
    documented = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text()
    for row in json.loads(CliRunner().invoke(main, ["config", "--json"]).output):
        line = next((line for line in documented.splitlines() if f"`{row['variable']}`" in line), "")
        assert row["about"] in line, row["variable"]
        if row["setting"] != "data_dir" and row["value"] != "":
            assert f"`{str(row['value']).lower()}`" in line, row["variable"]


def test_the_reference_lists_every_command() -> None:
    documented = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text()
    assert [
        name for name in COMMANDS if f"`sigdep {name} " not in documented and f"`sigdep {name}`" not in documented
    ] == []

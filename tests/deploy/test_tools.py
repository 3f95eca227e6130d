"""What the tests of deploy/ do where a program is missing: nobody reads skips in CI."""

from pathlib import Path

import pytest

from tests.deploy.documents import tool


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any program. What is put into this folder can be run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def install(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(mode=0o755)


@pytest.mark.usefixtures("bare")
def test_what_make_services_brings_must_be_there_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="promtool is not on this machine: make services"):
        tool("promtool")


@pytest.mark.usefixtures("bare")
def test_what_make_services_cannot_bring_is_skipped_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match="helm is not on this machine: make services builds it"):
        tool("helm", needs="go")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="promtool is not on this machine"):
        tool("promtool")


def test_what_go_has_installed_is_found(bare: Path) -> None:
    install(bare / "home" / "go" / "bin" / "helm")
    assert tool("helm", needs="go") == str(bare / "home" / "go" / "bin" / "helm")

"""Artefacts are copied once, whoever asks at the same time, and a machine without Java is told from a failure."""

import threading
from pathlib import Path

import pytest

from sigdep.testing.maven import JavaMissing, resolve

COPIES = """#!/bin/sh
echo run >> "$0.runs"
for argument; do case "$argument" in -DoutputDirectory=*) folder="${argument#*=}"; esac; done
mkdir "$folder"; sleep 0.3; echo jar > "$folder/one.jar"
"""
FAILS = """#!/bin/sh
for argument; do case "$argument" in -DoutputDirectory=*) mkdir "${argument#*=}"; esac; done
echo 'there is no such artefact'; exit 1
"""


@pytest.fixture
def pom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a project, where nothing has been copied yet, and no program is installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", lambda name: _there(tmp_path / "bin" / name))
    (tmp_path / "bin").mkdir()
    made = tmp_path / "some.pom.xml"
    made.write_text("<project/>")
    return made


def _there(path: Path) -> str | None:
    return str(path) if path.exists() else None


def install(pom: Path, script: str) -> Path:
    program = pom.parent / "bin" / "mvn"
    program.write_text(script)
    program.chmod(0o755)
    return program


def test_of_several_that_ask_at_once_one_copies(pom: Path) -> None:
    program = install(pom, COPIES)
    found: list[str] = []
    asking = [threading.Thread(target=lambda: found.append(resolve(pom))) for _ in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert (Path(found[0]).parent / "one.jar").read_text() == "jar\n"
    assert Path(f"{program}.runs").read_text() == "run\n"
    program.unlink()
    assert resolve(pom) == found[0], "what is there needs no Maven"


def test_another_project_is_copied_beside_it(pom: Path) -> None:
    install(pom, COPIES)
    first = resolve(pom)
    pom.write_text("<project></project>")
    assert resolve(pom) != first


def test_what_cannot_be_copied_is_missing_and_leaves_nothing_behind(pom: Path) -> None:
    with pytest.raises(JavaMissing, match="mvn is not installed"):
        resolve(pom)
    install(pom, FAILS)
    with pytest.raises(JavaMissing, match="no such artefact"):
        resolve(pom)
    install(pom, COPIES)
    assert (Path(resolve(pom)).parent / "one.jar").exists()

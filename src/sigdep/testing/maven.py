"""Servers for tests that are written in Java: their artefacts, copied once from wherever Maven finds them."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from sigdep.testing.servers import ServerNotProvided

COPY_SECONDS_MAX: Final = 600.0
"""For the first time on a machine: some 50 MB."""

SAID_CHARACTERS_MAX: Final = 500


class JavaMissing(ServerNotProvided):
    """This machine has no Java or no Maven, or Maven does not find what is asked for. None must: CI goes without."""


def java() -> str:
    """
    Raises:
        JavaMissing: it is not installed.
    """
    return _installed("java")


def resolve(pom: Path) -> str:
    """The class path of a project's dependencies. Copied by the first call on this machine, also of several at once.

    Args:
        pom: pins each version.

    Raises:
        JavaMissing: there is no Maven, or it does not find them.
    """
    place = cache() / f"{pom.name.partition('.')[0]}-{sha256(pom.read_bytes()).hexdigest()[:16]}"
    if not place.exists():
        maven = _installed("mvn")
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.with_suffix(".lock")):
            if not place.exists():
                _copy(maven, pom, place)
    return str(place / "*")


def cache() -> Path:
    """Where copies are kept from one run to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sigdep" / "maven"


def _installed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise JavaMissing(f"{program} is not installed (a Java runtime from 17 on, and Maven)")
    return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(maven: str, pom: Path, place: Path) -> None:
    """All of them or none: the folder has its name once it is complete."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="copying-", ignore_cleanup_errors=True) as folder:
        copied = Path(folder) / "copied"
        try:
            done = subprocess.run(
                [
                    maven,
                    "--batch-mode",
                    "--quiet",
                    "--file",
                    str(pom),
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={copied}",
                    "-DincludeScope=runtime",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=COPY_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise JavaMissing(f"Maven has not copied {pom.name} in {COPY_SECONDS_MAX:g} seconds") from None
        if done.returncode != 0 or not copied.is_dir():
            raise JavaMissing(f"Maven does not find what {pom.name} names: {done.stdout[:SAID_CHARACTERS_MAX]}")
        copied.rename(place)

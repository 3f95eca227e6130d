"""The files of deploy/ as the tests look at them."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
import yaml  # type: ignore[import-untyped]  # It has no types, and we read documents with it.

from sigdep.services.distributed.process import NAMES
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.settings import PREFIX
from sigdep.testing.servers import ServerMissing, ServerNotProvided
from tests.conftest import missing_servers_skip

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
CHART: Final = DEPLOY / "helm" / "sigdep"
COMPOSE: Final = DEPLOY / "compose.yaml"
IMAGE_USER: Final = "10001"

ROLES: Final = NAMES
SETTINGS: Final = frozenset(
    PREFIX + field.name.upper() for field in msgspec.structs.fields(ServiceSettings)
)  # fmt: skip

PEERS: Final[Mapping[str, frozenset[str]]] = {
    "gateway": frozenset(NAMES) - {"gateway"},
    "tasks.write": frozenset({"tasks.read", "users.write"}),
    "tasks.read": frozenset({"tasks.write"}),
    "calendar.write": frozenset({"users.write"}),
    "calendar.read": frozenset({"calendar.write"}),
    "notifications.write": frozenset(
        {"notifications.read", "tasks.write", "tasks.read", "calendar.write", "calendar.read", "users.write"}
    ),
    "notifications.read": frozenset({"notifications.write"}),
    "users.write": frozenset(),
    "users.read": frozenset({"users.write"}),
}
"""Whom each role asks. A role that is not told of one of them does not start, which the tests that start them see."""

_PINNED: Final = re.compile(r"^[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}$")


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """As it is where the environment says this, by default nothing."""
    said = variables or {}

    def substituted(found: re.Match[str]) -> str:
        name, operator, word = found.groups()
        value = said.get(name, "")
        return (word if value else "") if operator == "+" else value or word

    return documents_of(re.sub(r"\$\{(\w+):([-+])([^}]*)\}", substituted, COMPOSE.read_text()))[0]


def documents_of(text: str) -> list[dict[str, Any]]:
    """Every YAML document that is not empty."""
    return [loaded for loaded in yaml.safe_load_all(text) if loaded]


def is_pinned(image: str) -> bool:
    """A tag for people, and a digest that nobody can move."""
    return _PINNED.match(image) is not None


def told_of(environment: Mapping[str, str]) -> frozenset[str]:
    """The peers whose addresses are set."""
    return frozenset(role for role in ROLES if variable_of(role) in environment)


def variable_of(role: str) -> str:
    return PREFIX + role.replace(".", "_").upper()


def tool(name: str, *, needs: str = "") -> str:
    """The path of a program. Without it a test is skipped by its name, and fails in CI if it ought to be there.

    Args:
        needs: by which `make services` builds this one, where it can: it may be too old, or have nothing to build from.
    """
    found = shutil.which(name) or shutil.which(name, path=str(go_folder() / "bin"))
    if found is None:
        missing(name, needs=needs)
    return found


def go_folder() -> Path:
    """Where `make services` has Go put what it builds, and what that is built of."""
    return Path.home() / "go"


def missing(name: str, *, needs: str = "") -> NoReturn:
    with missing_servers_skip():
        if needs:
            raise ServerNotProvided(f"{name} is not on this machine: make services builds it, where {needs} can.")
        raise ServerMissing(f"{name} is not on this machine: make services")
    raise AssertionError("Nobody is here without a skip or a failure.")

"""Each contract of import-linter is watched catching what it names, on a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: dict[str, dict[str, Any]] = {
    contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]
}

Modules = dict[str, str]
"""A module's path below sigdep/ → a line added to it."""

VIOLATIONS: list[tuple[str, str, Modules]] = [
    ("layers", "the kernel looks up", {"kernel/stray.py": "import sigdep.contracts"}),
    ("layers", "a context looks up", {"tasks/api.py": "import sigdep.services"}),
    ("layers", "contexts know each other", {"tasks/api.py": "import sigdep.users"}),
    ("layers", "the gateway knows a context", {"gateway/rest.py": "import sigdep.tasks"}),
    ("layers", "a context knows an adapter", {"tasks/context.py": "import sigdep.adapters"}),
    ("layers", "what contexts read with knows one of them", {"reading/stray.py": "import sigdep.tasks.queries"}),
    ("layers", "what contexts write with knows one of them", {"writing/stray.py": "import sigdep.tasks.commands"}),
    ("layers", "reading and writing know each other", {"reading/stray.py": "import sigdep.writing.turns"}),
    ("layers", "rpc looks up", {"rpc/stray.py": "import sigdep.http"}),
    ("layers", "recurrence looks beside itself", {"recurrence/stray.py": "import sigdep.contracts"}),
    ("layers", "iCalendar looks up", {"ical/stray.py": "import sigdep.rpc"}),
    ("layers", "iCalendar knows a context", {"ical/stray.py": "import sigdep.tasks.events"}),
    ("layers", "a package nobody placed", {"stray/__init__.py": ""}),
    (
        "context",
        "an event looks at a decision",
        {"tasks/events.py": "import sigdep.tasks.domain", "tasks/domain.py": ""},
    ),
    (
        "context",
        "a decision looks at a read model",
        {"tasks/domain.py": "import sigdep.tasks.read_models", "tasks/read_models.py": ""},
    ),
    ("context", "a module nobody placed", {"users/stray.py": ""}),
    (
        "tasks services",
        "a role of tasks looks into another context",
        {"services/distributed/tasks_roles.py": "import sigdep.users.context"},
    ),
    (
        "tasks services",
        "something that a role of tasks needs looks into another context",
        {"services/distributed/replica.py": "import sigdep.users.events"},
    ),
    (
        "calendar services",
        "a role of calendar looks into another context",
        {"services/distributed/calendar_roles.py": "import sigdep.tasks.context"},
    ),
    (
        "users services",
        "a role of users looks into another context",
        {"services/distributed/users_roles.py": "import sigdep.tasks.context"},
    ),
    (
        "notifications services",
        "a role of notifications looks into another context",
        {"services/distributed/notifications_roles.py": "import sigdep.tasks.context"},
    ),
    ("pure", "the kernel reads the clock", {"kernel/stray.py": "import time"}),
    ("pure", "a decision logs", {"tasks/domain/__init__.py": "", "tasks/domain/task.py": "import logging"}),
    ("pure", "an event makes its id", {"users/events.py": "import uuid_utils"}),
    ("pure", "a command does I/O", {"users/commands.py": "import asyncio"}),
    ("pure", "a query knows a framework", {"tasks/queries.py": "import starlette.requests"}),
    ("pure", "recurrence reads the clock", {"recurrence/stray.py": "import time"}),
    ("pure", "iCalendar fetches a calendar", {"ical/stray.py": "import urllib.request"}),
    ("pure", "a contract reads a file", {"contracts/stray.py": "import pathlib"}),
    (
        "wiring",
        "a service picks its adapter",
        {"services/stray.py": "import sigdep.adapters.stray", "adapters/stray.py": ""},
    ),
    (
        "adapters",
        "an adapter knows another",
        {"adapters/stray.py": "import sigdep.adapters.other", "adapters/other.py": ""},
    ),
    (
        "cycles",
        "two modules know each other",
        {"http/first.py": "import sigdep.http.second", "http/second.py": "import sigdep.http.first"},
    ),
]  # fmt: skip


@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src/sigdep", tmp_path / "sigdep", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "sigdep"


def lint(package: Path, *arguments: str) -> tuple[int, str]:
    """Check the copy, and return the exit code and what was printed."""
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache",
         "--config", ROOT / "pyproject.toml", *arguments],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


def add(modules: Modules, package: Path) -> None:
    for name, line in modules.items():
        module = package / name
        # The package may hold by now as a folder what a violation names as a file, or the other way round.
        if module.suffix == ".py" and (folder := module.with_suffix("")).is_dir():
            module = folder / "__init__.py"
        module.parent.mkdir(exist_ok=True)
        if module.name == "__init__.py":
            module.parent.with_suffix(".py").unlink(missing_ok=True)
        with module.open("a") as file:
            file.write(f"\n{line}\n")


def test_the_package_as_it_is_keeps_every_contract(package: Path) -> None:
    code, printed = lint(package)
    assert code == 0, printed
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in printed


@pytest.mark.parametrize(
    "contract, modules",
    [pytest.param(contract, modules, id=f"{contract}: {name}") for contract, name, modules in VIOLATIONS],
)
def test_a_contract_catches_what_it_names(contract: str, modules: Modules, package: Path) -> None:
    add(modules, package)
    code, printed = lint(package, "--contract", contract)
    assert code == 1, printed
    assert "Contracts: 0 kept, 1 broken." in printed


def test_every_contract_has_been_watched() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == set(CONTRACTS)


def test_every_context_is_held_to_the_order_of_a_context() -> None:
    contexts = {f"sigdep.{domain.parent.name}" for domain in (ROOT / "src/sigdep").glob("*/domain")}
    assert contexts <= set(CONTRACTS["context"]["containers"])


def test_every_context_is_kept_out_of_the_services_of_the_others() -> None:
    contexts = {context.parent.name for context in (ROOT / "src/sigdep").glob("*/context.py")}
    for context in contexts:
        contract = CONTRACTS[f"{context} services"]
        assert contract["source_modules"] == [f"sigdep.services.distributed.{context}_roles"]
        assert set(contract["forbidden_modules"]) == {f"sigdep.{other}" for other in contexts - {context}}


def test_every_dependency_but_msgspec_is_kept_out_of_what_is_pure() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    listed = chain(PROJECT["project"]["dependencies"], *extras)
    dependencies = {canonical(re.split(r"[\[<>=;! ]", dependency)[0]) for dependency in listed}
    imported_as = {
        module
        for module, distributions in packages_distributions().items()
        if not module.startswith("_") and dependencies & {canonical(name) for name in distributions}
    }
    assert imported_as - {"msgspec"} <= set(CONTRACTS["pure"]["forbidden_modules"])


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()

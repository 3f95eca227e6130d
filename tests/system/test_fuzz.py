"""Schemathesis reads our OpenAPI document and asks whatever it allows, and much that it does not."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from sigdep.testing.running_server import RunningServer
from tests.system.conftest import LONG, Say, SignUp
from tests.system.openapi import easily_drawn, read_document
from tests.system.person import Person
from tests.system.test_who_may_do_what import one_of_everything

REQUESTS_MIN: Final = 5_000 if LONG else 500
"""Of both roles together."""

GENERATED: Final = (
    ("--phases=examples,coverage,fuzzing,stateful", "--max-examples=30")
    if LONG
    else ("--phases=examples,fuzzing", "--max-examples=3")
)
"""The number is for each operation."""

ONES_OWN: Final = r"/api/users/me$|/api/sessions"
"""Paths by which callers end what they call with: those are for users of their own."""

MORE: Final = ("--max-examples=100",) if LONG else ("--max-examples=20",)
"""For few operations, of each."""

FAREWELLS: Final = ("DELETE /api/users/me", "DELETE /api/sessions/current")

TIMEOUT_SECONDS: Final = 1_200 if LONG else 90
SETTINGS: Final = """
[phases.stateful.inference]
algorithms = ["dependency-analysis"]  # The other, by Location, links what it created to paths that it does not fit.
"""

ANSWER_SECONDS_MAX: Final = 2.0
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
)


@pytest.mark.timeout(TIMEOUT_SECONDS + 30)
@pytest.mark.parametrize("role", ["owner", "viewer"])
async def test_no_request_breaks_it_and_every_answer_is_as_documented(
    role: str, server: RunningServer, sign_up: SignUp, tmp_path: Path, say: Say
) -> None:
    ada, bob = await sign_up("Ada"), await sign_up("Bob")
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    things = await one_of_everything(ada, bob, workspace)
    caller = ada if role == "owner" else bob
    statuses = _fuzzed(server, caller, things, (f"--exclude-name-regex=^[A-Z]+ ({ONES_OWN})",), tmp_path, say)
    assert sum(statuses.values()) >= REQUESTS_MIN / 2
    assert statuses[401] < sum(statuses.values()) / 2, "Most of it never got past the door."


@pytest.mark.timeout(TIMEOUT_SECONDS + 30)
async def test_nothing_asked_of_ones_own_account_breaks_it(
    server: RunningServer, sign_up: SignUp, tmp_path: Path, say: Say
) -> None:
    eve = await sign_up("Eve")
    (session,) = await eve.items("/api/sessions")
    await eve.sign_in()
    things = {"session_id": session["id"], "email": eve.email}
    things |= dict.fromkeys(("password", "current_password"), eve.password)
    stay = (f"--include-name-regex=^[A-Z]+ ({ONES_OWN})", f"--exclude-name-regex=^({'|'.join(FAREWELLS)})$")
    statuses = _fuzzed(server, eve, things, (*stay, *MORE), tmp_path, say)
    assert sum(count for status, count in statuses.items() if status < 300) > 0, "Nothing of it was ever done."


@pytest.mark.timeout(TIMEOUT_SECONDS + 30)
@pytest.mark.parametrize("farewell", FAREWELLS)
async def test_whoever_has_left_is_told_so_whatever_they_ask(
    farewell: str, server: RunningServer, sign_up: SignUp, tmp_path: Path, say: Say
) -> None:
    _fuzzed(server, await sign_up("Eve"), {}, (f"--include-name={farewell}",), tmp_path, say)


def _fuzzed(
    server: RunningServer, caller: Person, things: dict[str, str], chosen: Sequence[str], folder: Path, say: Say
) -> Counter[int]:
    """Ask what is chosen, and make sure that nothing broke. Returns the statuses of all answers."""
    seed = random.SystemRandom().randrange(2**31)
    report = folder / "report.ndjson"
    ran = _schemathesis(server.url, caller.token, things, chosen, seed, report)
    statuses = _statuses(report)
    say(f"{sum(statuses.values())} requests, seed {seed}: {dict(sorted(statuses.items()))}")
    assert ran.returncode == 0, f"seed {seed}\n{ran.stdout[-12_000:]}\n{ran.stderr[-2_000:]}"
    assert sum(count for status, count in statuses.items() if status >= 500) == 0
    assert server.is_running
    assert "Traceback" not in server.printed
    return statuses


def _schemathesis(
    url: str, token: str, things: dict[str, str], chosen: Sequence[str], seed: int, report: Path
) -> subprocess.CompletedProcess[str]:
    """
    Args:
        chosen: options that choose the operations.
    """
    described = report.with_name("openapi.json")
    described.write_text(json.dumps(easily_drawn(read_document(url), things)))
    settings = report.with_name("schemathesis.toml")
    settings.write_text(SETTINGS)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={settings}",
        "run",
        str(described),
        f"--url={url}",
        f"--header=Authorization: Bearer {token}",
        *GENERATED,
        f"--checks={','.join(CHECKS)}",
        f"--max-response-time={ANSWER_SECONDS_MAX}",
        f"--seed={seed}",
        "--report=ndjson",
        f"--report-ndjson-path={report}",
        "--suppress-health-check=all",
        *chosen,
        "--continue-on-failure",
        "--no-color",
    ]
    return subprocess.run(
        command, cwd=report.parent, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )


def _statuses(report: Path) -> Counter[int]:
    found: Counter[int] = Counter()
    for line in report.read_text().splitlines():
        found.update(_statuses_in(json.loads(line)))
    return found


def _statuses_in(part: object) -> list[int]:
    """All `status_code`s, wherever the report keeps them."""
    if isinstance(part, dict):
        own = [part["status_code"]] if isinstance(part.get("status_code"), int) else []
        return own + [status for value in part.values() for status in _statuses_in(value)]
    if isinstance(part, list):
        return [status for value in part for status in _statuses_in(value)]
    return []

"""The services of the compose file, run as they are written there: real engines, real passwords, the image's check.

They begin with what `sigdep up` has made, moved into their databases, as an installation that grows does it.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sigdep.services.distributed.engines.processes import free_port
from sigdep.testing.running_server import running_server
from sigdep.testing.servers import PostgreSQL
from tests.deploy.documents import compose
from tests.deploy.local_containers import (
    HOST,
    is_healthy,
    make_databases,
    make_secrets,
    migrate,
    nats,
    on_this_machine,
    redis,
    running_role,
    scratch_postgresql,
    wait_until_healthy,
)

STARTED = (
    "users-write", "users-read", "tasks-write", "tasks-read", "calendar-write", "calendar-read", "notifications-write",
    "notifications-read", "gateway",
)  # fmt: skip
WHO = {"email": "ada@example.org", "password": "correct horse battery"}


class Composed:
    """What runs: where it is, and what each role has for variables."""

    def __init__(
        self, url: str, server: PostgreSQL, secrets: Path, environments: dict[str, dict[str, str]], task: str
    ) -> None:
        self.url, self.server, self.secrets, self.environments = url, server, secrets, environments
        self.task = task
        """One that was there before there were services."""


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    services = compose()["services"]
    folder, secrets = tmp_path_factory.mktemp("composed"), tmp_path_factory.mktemp("secrets")
    ports = {"nats:4222": free_port(), "redis:6379": free_port(), "gateway": free_port()}
    ports |= {f"{name}:50051": free_port() for name in STARTED if name != "gateway"}
    with ExitStack() as stack:
        server = stack.enter_context(scratch_postgresql())
        ports["postgresql:5432"] = server.port
        data = folder / "embedded"
        with running_server(data=data) as embedded:
            task = _signed_up(embedded.url)
        shutil.copytree(data / "secrets", secrets / "sigdep")
        make_secrets(secrets)
        make_databases(server, secrets / "postgresql")
        migrate(data, server, secrets)
        stack.enter_context(nats(folder, ports["nats:4222"], free_port()))
        stack.enter_context(redis(folder, ports["redis:6379"]))
        environments = {}
        for name in STARTED:
            _, role = services[name]["command"]
            places = {"/secrets/pgpass": str(secrets / "pgpass" / role), "/secrets/sigdep": str(secrets / "sigdep")}
            set_to = {key: str(value or "") for key, value in services[name]["environment"].items()}
            set_to["SIGDEP_PUBLIC_URL"] = f"http://{HOST}:{ports['gateway']}"
            environment = environments[role] = on_this_machine(role, set_to, ports, places)
            log = folder / f"{name}.log"
            process = stack.enter_context(running_role(role, environment, log))
            wait_until_healthy(role, environment, log, process)
        yield Composed(f"http://{HOST}:{ports['gateway']}", server, secrets, environments, task)


def _signed_up(url: str) -> str:
    """A person with one task. Returns the task's id."""
    with httpx.Client(base_url=url, timeout=20) as client:
        assert client.post("/api/users", json=WHO | {"name": "Ada"}).status_code == 201
        token = client.post("/api/sessions", json=WHO).json()["access_token"]
        made = client.post("/api/tasks", json={"title": "Grow"}, headers={"authorization": f"Bearer {token}"})
        assert made.status_code == 201
        return str(made.json()["id"])


def since(answer: httpx.Response) -> dict[str, str]:
    """What makes a read reflect that write."""
    return {"sigdep-min-position": answer.headers["sigdep-position"]}


def test_what_one_process_has_made_is_there_and_goes_on(composed: Composed) -> None:
    with httpx.Client(base_url=composed.url, timeout=20) as client:
        token = client.post("/api/sessions", json=WHO).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        assert client.get(f"/api/tasks/{composed.task}").json()["title"] == "Grow"
        changed = client.patch(f"/api/tasks/{composed.task}", json={"title": "Grown"})
        assert changed.status_code == 200
        assert client.get(f"/api/tasks/{composed.task}", headers=since(changed)).json()["title"] == "Grown"


def test_a_person_signs_up_writes_a_task_and_reads_it(composed: Composed) -> None:
    who = WHO | {"email": "grace@example.org"}
    with httpx.Client(base_url=composed.url, timeout=20) as client:
        assert client.post("/api/users", json=who | {"name": "Grace"}).status_code == 201
        token = client.post("/api/sessions", json=who).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        made = client.post("/api/tasks", json={"title": "Write the talk"})
        assert made.status_code == 201
        found = client.get(f"/api/tasks/{made.json()['id']}", headers=since(made))
        assert found.json()["title"] == "Write the talk"


def test_no_service_can_connect_to_the_database_of_another(composed: Composed) -> None:
    environment = composed.environments["tasks.read"]
    own = urlsplit(environment["SIGDEP_DATABASE_URL"])

    def connect(database: str) -> str:
        command = [str(composed.server.binaries / "psql"), "--no-psqlrc", f"--host={HOST}", f"--port={own.port}"]
        asked = subprocess.run(
            [*command, f"--username={own.username}", f"--dbname={database}", "--command=SELECT 1"],
            env={"PGPASSFILE": environment["PGPASSFILE"], "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )
        return asked.stderr

    assert connect("tasks_read") == ""
    # It has no password file for another database, so this one gives it the right password.
    (composed.secrets / "all").write_text(
        f"*:*:*:tasks_read:{(composed.secrets / 'postgresql' / 'tasks_read').read_text()}\n"
    )
    (composed.secrets / "all").chmod(0o600)
    environment = environment | {"PGPASSFILE": str(composed.secrets / "all")}
    for other in ("tasks_write", "calendar_write", "calendar_read", "users_write", "users_read", "keys"):
        assert f'permission denied for database "{other}"' in connect(other)


def test_a_wrong_password_is_turned_away(composed: Composed) -> None:
    asked = subprocess.run(
        [composed.server.binaries / "psql", "--no-psqlrc", f"--host={HOST}", f"--port={composed.server.port}",
         "--username=keys", "--dbname=keys", "--command=SELECT 1"],
        env={"PGPASSWORD": "guessed", "LC_ALL": "C"}, capture_output=True, text=True,
    )  # fmt: skip
    assert "password authentication failed" in asked.stderr


def test_making_secrets_and_databases_again_changes_nothing(composed: Composed) -> None:
    def content() -> dict[str, bytes]:
        files = [path for path in composed.secrets.rglob("*") if path.is_file() and path.name != "all"]
        return {str(path): path.read_bytes() for path in files}

    before = content()
    make_secrets(composed.secrets)
    make_databases(composed.server, composed.secrets / "postgresql")
    assert content() == before
    assert is_healthy(composed.environments["users.read"])


def test_the_health_check_notices_a_service_that_is_not_there() -> None:
    assert not is_healthy({"SIGDEP_RPC_PORT": str(free_port())})
    assert not is_healthy({"SIGDEP_PORT": str(free_port())})

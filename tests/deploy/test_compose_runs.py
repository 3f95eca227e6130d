"""The services of the compose file, run as they are written there: real engines, real passwords, the image's check.

They begin with what `sigdep up` has made, moved into their databases, as an installation that grows does it.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sigdep.adapters.postgres import connecting, lease, read_store
from sigdep.services.distributed.engines.processes import free_port
from sigdep.testing.running_server import running_server
from sigdep.testing.servers import PostgreSQL
from tests.deploy.documents import compose
from tests.deploy.local_containers import (
    HOST,
    STOP_SECONDS_MAX,
    health_path,
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
    "users.write", "users.read", "tasks.write", "tasks.read", "calendar.write", "calendar.read", "notifications.write",
    "notifications.read", "gateway",
)  # fmt: skip
SERVICES = compose()["services"]
CALLERS = 40
WHO = {"email": "ada@example.org", "password": "correct horse battery"}


class Composed:
    """What runs: where it is, and what each role has for variables."""

    def __init__(self, url: str, server: PostgreSQL, folder: Path, secrets: Path, task: str) -> None:
        self.url, self.server, self.secrets = url, server, secrets
        self.task = task
        """One that was there before there were services."""
        self.environments: dict[str, dict[str, str]] = {}
        """By role."""
        self._folder, self._stack = folder, ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def roles(self, environments: Mapping[str, dict[str, str]]) -> Iterator[None]:
        """Every role, each started when those before it are healthy."""
        with self._stack:
            for role, environment in environments.items():
                self.environments[role] = environment
                self.start(role)
            yield

    def start(self, role: str) -> None:
        log, environment = self._folder / f"{role}.log", self.environments[role]
        self._processes[role] = process = self._stack.enter_context(running_role(role, environment, log))
        wait_until_healthy(role, environment, log, process, *health_path(SERVICES[role.replace(".", "-")]))

    def stop(self, role: str) -> None:
        process = self._processes.pop(role)
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder, secrets = tmp_path_factory.mktemp("composed"), tmp_path_factory.mktemp("secrets")
    ports = {"nats:4222": free_port(), "redis:6379": free_port(), "gateway": free_port()}
    ports |= {f"{role.replace('.', '-')}:50051": free_port() for role in STARTED if role != "gateway"}
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
        composed = Composed(f"http://{HOST}:{ports['gateway']}", server, folder, secrets, task)
        stack.enter_context(composed.roles({role: _environment(role, ports, secrets) for role in STARTED}))
        yield composed


def _environment(role: str, ports: dict[str, int], secrets: Path) -> dict[str, str]:
    """What the compose file has for it, with this machine's addresses."""
    places = {"/secrets/pgpass": str(secrets / "pgpass" / role), "/secrets/sigdep": str(secrets / "sigdep")}
    variables = SERVICES[role.replace(".", "-")]["environment"]
    set_to = {name: str(value or "") for name, value in variables.items()}
    set_to["SIGDEP_PUBLIC_URL"] = f"http://{HOST}:{ports['gateway']}"
    return on_this_machine(role, set_to, ports, places)


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


def test_no_more_connections_are_opened_than_operators_reckon_with(composed: Composed) -> None:
    """Of whichever user: what else stands in operating.md under Connections."""
    with httpx.Client(base_url=composed.url, timeout=60) as client, ThreadPoolExecutor(CALLERS) as callers:
        token = client.post("/api/sessions", json=WHO).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        asked = [callers.submit(client.get, "/api/tasks") for _ in range(CALLERS)]
        asked += [callers.submit(client.post, "/api/tasks", json={"title": "One of many"}) for _ in range(CALLERS)]
        assert {one.result().status_code for one in asked} == {200, 201}
    counted = composed.server.query(
        "SELECT usename, count(*) FROM pg_stat_activity WHERE application_name LIKE 'sigdep%' GROUP BY usename"
    )
    open_now = {user: int(number) for user, number in (line.split("|") for line in counted.splitlines())}
    reading = read_store.CONNECTIONS_MAX + lease.CONNECTIONS_MAX
    writing = reading + connecting.READ_CONNECTIONS_MAX + 2  # To append, and to listen.
    assert len(open_now) == len(STARTED)  # The keys' user, and one for each role but the gateway.
    for user, number in open_now.items():
        of_keys = len(STARTED) * connecting.READ_CONNECTIONS_MAX
        most = of_keys if user == "keys" else reading if user.endswith("_read") else writing
        assert number <= most + (user == "notifications_write"), user  # Which has the database's clock.


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


def test_a_gateway_is_well_while_one_of_the_others_is_away(composed: Composed) -> None:
    """Whoever takes unwell ones out of a balancer would else take all of them out, and everything with them."""
    checked = health_path(SERVICES["gateway"])
    composed.stop("calendar.write")
    try:
        with httpx.Client(base_url=composed.url, timeout=20) as client:
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
            assert {name for name, said in ready.json()["parts"].items() if said != "ok"} == {"calendar.write"}
            assert is_healthy(composed.environments["gateway"], *checked)
            token = client.post("/api/sessions", json=WHO).json()["access_token"]
            client.headers["authorization"] = f"Bearer {token}"
            assert client.post("/api/tasks", json={"title": "All the same"}).status_code == 201
            assert client.get(f"/api/tasks/{composed.task}").status_code == 200
    finally:
        composed.start("calendar.write")


def test_the_health_check_notices_a_service_that_is_not_there() -> None:
    assert not is_healthy({"SIGDEP_RPC_PORT": str(free_port())})
    assert not is_healthy({"SIGDEP_PORT": str(free_port())})
    assert not is_healthy({"SIGDEP_PORT": str(free_port())}, *health_path(SERVICES["gateway"]))

"""`sigdep cluster`: how many processes of each service, refused where it makes no sense."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from sigdep.cli import main
from sigdep.services.distributed.engines.processes import HOST, free_ports, hold
from sigdep.services.distributed.plan import Plan
from sigdep.services.distributed.roles import ROLES


@pytest.mark.parametrize(
    "given", ["tasks.read", "tasks.read=", "tasks.read=0", "tasks.read=-1", "tasks.read=17", "=2x"]
)
def test_a_number_of_replicas_that_is_none_is_refused(given: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["cluster", "--data-dir", str(tmp_path), "--replicas", given])
    assert done.exit_code == 2
    assert "is not like tasks.read=2" in " ".join(done.output.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("role", ["gatewav", "tasks.red", ""])
def test_only_services_have_replicas(role: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["cluster", "--data-dir", str(tmp_path), "--replicas", f"{role}=2"])
    assert done.exit_code == 1
    assert f"There is no service {role}" in done.output
    assert list(tmp_path.iterdir()) == []


def test_each_replica_is_a_program_with_a_name_of_its_own(tmp_path: Path) -> None:
    plan = Plan(data=tmp_path, replicas={"tasks.read": 3})
    replicas = {"tasks.read.2": "tasks.read", "tasks.read.3": "tasks.read"}
    assert plan.programs() == {role: role for role in ROLES} | replicas


def test_gateways_listen_one_port_after_the_other(tmp_path: Path) -> None:
    plan = Plan(data=tmp_path, port=8000, replicas={"gateway": 3})
    assert plan.gateways() == {"gateway": 8000, "gateway.2": 8001, "gateway.3": 8002}
    assert "gateway" not in plan.programs()


def test_a_row_of_ports_is_free_from_its_first_to_its_last() -> None:
    first = free_ports(3)
    with ExitStack() as stack:
        for port in range(first, first + 3):
            stack.enter_context(socket.create_server((HOST, port)))
            with pytest.raises(OSError, match="in use"):
                hold(port)

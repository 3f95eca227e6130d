"""Anybody can call a service with the standard tools: stubs that the standard compiler makes, and no line of ours."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from time import time

import pytest

from sigdep.rpc.passports import Passports
from sigdep.services.server_secrets import load_passport_key
from sigdep.tasks.contract import WRITE
from tests.rpc.ways import serving
from tests.tasks.stories import ADA, HOME
from tests.tasks.write_side import World

PROTO = Path(__file__).parents[2] / "proto"

CALLER = """
import json, sys
from uuid import uuid4

import grpc
from google.rpc import status_pb2
from sigdep.rpc.v1 import call_pb2
from sigdep.tasks.v1 import write_pb2, write_pb2_grpc

address, user, passport = sys.argv[1:]
stub = write_pb2_grpc.WriteStub(grpc.insecure_channel(address))
AT = "2026-11-22T12:00:00Z"


def call():
    return call_pb2.Call(asked_at=AT, command_id=str(uuid4()), passport=passport)


answer = stub.CreateTask(write_pb2.CreateTask(call=call(), by=user, at=AT, title="Buy milk", due_on="2026-12-24"))
task = json.loads(answer.json)
assert answer.created and answer.version == 1 and answer.position.context == "tasks", answer
assert task["title"] == "Buy milk" and task["due_on"] == "2026-12-24", task

edit = write_pb2.EditTask(call=call(), task_id=task["id"], by=user, at=AT, title="Buy soy milk", cleared=["due_on"])
edited = json.loads(stub.EditTask(edit).json)
assert edited["title"] == "Buy soy milk" and edited["due_on"] is None, edited
assert edited["priority"] == task["priority"], edited

try:
    stub.CompleteTask(write_pb2.CompleteTask(call=call(), task_id=str(uuid4()), by=user, at=AT))
except grpc.RpcError as error:
    assert error.code() is grpc.StatusCode.NOT_FOUND and "does not exist" in error.details(), error
    trailers = {key: value for key, value in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    problem = call_pb2.Problem()
    assert status.code == 5 and status.details[0].Unpack(problem), status
    assert problem.kind == "NotFound" and problem.error == "TaskNotFound", problem
else:
    raise AssertionError("A task that does not exist was completed.")

items = [
    write_pb2.WriteItem(create_task=write_pb2.CreateTask(call=call(), by=user, at=AT, title=title))
    for title in ("Buy bread", "", "Buy cake")
]
outcomes = [outcome for part in stub.AskBatch(write_pb2.WriteBatch(items=items)) for outcome in part.outcomes]
told = {outcome.item: outcome.problem.kind if outcome.HasField("problem") else "done" for outcome in outcomes}
assert told == {0: "done", 1: "Invalid", 2: "done"}, told
print("served")
"""

# As googleapis has it: what every tool reads `grpc-status-details-bin` with.
STATUS = """
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
message Status {
  int32 code = 1;
  string message = 2;
  repeated google.protobuf.Any details = 3;
}
"""


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder with what the standard compiler makes of the `.proto` files."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools brings the compiler")
    (tmp_path / "google/rpc").mkdir(parents=True)
    (tmp_path / "google/rpc/status.proto").write_text(STATUS)
    out = tmp_path / "out"
    out.mkdir()
    files = [*map(str, PROTO.rglob("*.proto")), str(tmp_path / "google/rpc/status.proto")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{tmp_path}"]
    subprocess.run([*command, f"--python_out={out}", f"--grpc_python_out={out}", *files], check=True, timeout=60)
    # The packages are called as ours is, and as protobuf's own: with these files they come first, and theirs as well.
    for folder in [out / "sigdep", *(path for path in (out / "sigdep").rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    return out


def passport_for(service: str, secrets: Path) -> str:
    """As docs/reference/grpc.md has it."""
    command = [sys.executable, "-m", "sigdep.cli", "passport", service, "--user", str(ADA), "--role", f"{HOME}=owner"]
    environment = {**os.environ, "SIGDEP_SECRETS_DIR": str(secrets)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


async def test_freshly_generated_stubs_call_a_service(stubs: Path, tmp_path: Path) -> None:
    (stubs / "caller.py").write_text(CALLER)
    world, secrets = World(), tmp_path / "secrets"
    passports = Passports(load_passport_key(secrets), issuer="tasks.write", now=time)
    async with serving({WRITE: world.service}, passports=passports) as address:
        caller = await asyncio.create_subprocess_exec(
            sys.executable,
            "caller.py",
            address,
            str(ADA),
            passport_for("tasks.write", secrets),
            cwd=stubs,
            env={"PYTHONPATH": str(stubs)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = await asyncio.wait_for(caller.communicate(), 30)
    assert printed == b"served\n", complaints.decode()
    assert {task.title for task in (await world.tasks()).values()} == {"Buy soy milk", "Buy bread", "Buy cake"}

"""The checked-in `.proto` files: in step with the types, understood by the standard compiler, only ever extended."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from msgspec import Struct

from sigdep.rpc.contract import FileContract, ServiceContract
from sigdep.rpc.describing import Describer
from sigdep.rpc.descriptors import stored_description
from sigdep.rpc.generate import contracts, describe, write
from sigdep.rpc.numbering import ContractBroken, check_extends
from sigdep.tasks.commands.tasks import CompleteTask, CreateTask
from sigdep.tasks.contract import WRITE

ROOT = Path(__file__).parents[2]
PROTO = ROOT / "proto"
DESCRIPTORS = ROOT / "src/sigdep/rpc/descriptors"
CONTRACTS = [pytest.param(contract, id=contract.name) for contract in contracts()]


def files_below(folder: Path, pattern: str) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob(pattern)}


def test_the_checked_in_files_are_what_the_types_say(tmp_path: Path) -> None:
    proto, descriptors = tmp_path / "proto", tmp_path / "descriptors"
    descriptors.mkdir()
    for contract in contracts():
        write(contract, proto, descriptors)
    told = "Run `python -m sigdep.rpc.generate`."
    assert files_below(proto, "*.proto") == files_below(PROTO, "*.proto"), told
    assert files_below(descriptors, "*.binpb") == files_below(DESCRIPTORS, "*.binpb"), told


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FileDescriptorProto]:
    """What the standard compiler reads in the `.proto` files, by path."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools brings the compiler")
    out = tmp_path_factory.mktemp("compiled") / "all.binpb"
    files = [str(file) for file in PROTO.rglob("*.proto")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--descriptor_set_out={out}", *files]
    subprocess.run(command, check=True, timeout=60)
    return {file.name: file for file in FileDescriptorSet.FromString(out.read_bytes()).file}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_standard_compiler_reads_what_we_load(
    contract: FileContract, compiled: dict[str, FileDescriptorProto]
) -> None:
    def bare(file: FileDescriptorProto | None) -> FileDescriptorProto:
        assert file is not None
        copy = FileDescriptorProto()
        copy.CopyFrom(file)
        pending = list(copy.message_type)
        for message in pending:
            pending.extend(message.nested_type)
            for field in message.field:
                field.ClearField("json_name")
        return copy

    assert bare(compiled[contract.path]) == bare(stored_description(contract.name))


# ── only ever extended ──────────────────────────────────────────────────────────────────────────────────


def field_of(file: FileDescriptorProto, message: str, field: str) -> FieldDescriptorProto:
    found = next(m for m in file.message_type if m.name == message)
    return next(f for f in found.field if f.name == field)


def renumber(file: FileDescriptorProto) -> None:
    field_of(file, "CreateTask", "title").number = 99


def retype(file: FileDescriptorProto) -> None:
    field_of(file, "CreateTask", "title").type = FieldDescriptorProto.TYPE_BYTES


def make_many_of_one(file: FileDescriptorProto) -> None:
    field_of(file, "CreateTask", "title").label = FieldDescriptorProto.LABEL_REPEATED


def remove_a_field(file: FileDescriptorProto) -> None:
    message = next(m for m in file.message_type if m.name == "CreateTask")
    message.field.remove(field_of(file, "CreateTask", "rank"))


def remove_a_message(file: FileDescriptorProto) -> None:
    file.message_type.remove(next(m for m in file.message_type if m.name == "SnoozeTask"))


def remove_an_option(file: FileDescriptorProto) -> None:
    commands = next(m for m in file.message_type if m.name == "ChangeTasks").nested_type[0]
    commands.field.remove(next(field for field in commands.field if field.name == "comment_on_task"))


def remove_a_method(file: FileDescriptorProto) -> None:
    file.service[0].method.pop(0)


def answer_otherwise(file: FileDescriptorProto) -> None:
    file.service[0].method[0].output_type = ".sigdep.rpc.v1.Outcomes"


@pytest.mark.parametrize(
    "change, told",
    [
        (renumber, "CreateTask.title was number 4 and is 99."),
        (retype, "CreateTask.title has another type."),
        (make_many_of_one, "CreateTask.title has another type."),
        (remove_a_field, "CreateTask.rank is gone."),
        (remove_a_message, "SnoozeTask is gone."),
        (remove_an_option, "ChangeTasks.Commands.comment_on_task is gone."),
        (remove_a_method, "Write.CreateTask is gone."),
        (answer_otherwise, "Write.CreateTask takes or answers another message."),
    ],
)
def test_what_former_callers_rely_on_cannot_be_changed(change: Callable[[Any], None], told: str) -> None:
    changed = FileDescriptorProto()
    changed.CopyFrom(describe(WRITE).file)
    change(changed)
    with pytest.raises(ContractBroken, match=told):
        check_extends(describe(WRITE).file, changed)


def test_a_message_that_is_dropped_from_a_contract_stops_the_generator() -> None:
    dropped = msgspec.structs.replace(WRITE, messages=tuple(m for m in WRITE.messages if m is not CreateTask))
    with pytest.raises(ContractBroken, match=r"Write\.CreateTask is gone"):
        describe(dropped)


def test_new_fields_come_last_whatever_their_place_in_the_type() -> None:
    class Before(Struct):
        first: str
        second: int

    class After(Struct):
        new: bool
        second: int
        first: str

    After.__name__ = "Before"
    former = Describer(FileContract(name="demo.types", structs=(Before,)), None).describe().file
    present = Describer(FileContract(name="demo.types", structs=(After,)), former).describe().file
    check_extends(former, present)
    fields = {field.name: field.number for field in present.message_type[0].field}
    assert fields == {"first": 1, "second": 2, "new": 3}


def test_a_service_can_gain_messages() -> None:
    less = ServiceContract(name="demo.write", messages=(CompleteTask,))
    former = Describer(less, None).describe().file
    more = msgspec.structs.replace(less, messages=(CreateTask, CompleteTask))
    check_extends(former, Describer(more, former).describe().file)

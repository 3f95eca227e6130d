"""Describes every contract anew: the `.proto` files, and what protobuf loads of them. Run from the project's folder.

    python -m sigdep.rpc.generate

Contracts are what each context's module `contract` lists as CONTRACTS. They are found by that name: this package
knows no context.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import sigdep
from sigdep.contracts import events
from sigdep.contracts.events import PublicEvent
from sigdep.rpc import descriptors
from sigdep.rpc.contract import FileContract
from sigdep.rpc.describing import Described, Describer
from sigdep.rpc.descriptors import SUFFIX, stored_description
from sigdep.rpc.numbering import check_extends
from sigdep.rpc.proto_text import proto_text
from sigdep.rpc.public_log import PUBLIC_LOG
from sigdep.rpc.wire import SHARED

PROTO_FOLDER: Final = Path("proto")
DESCRIPTORS: Final = Path(descriptors.__file__).parent

PUBLIC_EVENTS: Final = FileContract(
    name="contracts.events",
    structs=tuple(event for event in PublicEvent.__subclasses__() if event.__module__ == events.__name__),
)


def contracts() -> Iterator[FileContract]:
    """All that there are, in the order in which their files need each other."""
    yield SHARED
    yield PUBLIC_EVENTS
    yield PUBLIC_LOG
    for module in iter_modules(sigdep.__path__, "sigdep."):
        name = f"{module.name}.contract"
        if module.ispkg and module.name != __package__ and find_spec(name) is not None:
            yield from import_module(name).CONTRACTS


def describe(contract: FileContract) -> Described:
    """
    Raises:
        ContractBroken: the types have changed in a way that former callers would not survive.
    """
    former = stored_description(contract.name)
    described = Describer(contract, former).describe()
    if former is not None:
        check_extends(former, described.file)
    return described


def write(contract: FileContract, proto_folder: Path, descriptor_folder: Path) -> None:
    described = describe(contract)
    text = proto_folder / contract.path
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text(proto_text(described))
    stored = descriptor_folder / (contract.name + SUFFIX)
    stored.write_bytes(described.file.SerializeToString(deterministic=True))


def main() -> int:
    for contract in contracts():
        write(contract, PROTO_FOLDER, DESCRIPTORS)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Protobuf's classes for the messages of contracts, made at run time from the stored descriptions."""

from functools import cache
from typing import Any, Final

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sigdep.rpc.contract import FileContract
from sigdep.rpc.descriptors import stored_description
from sigdep.rpc.wire import SHARED

POOL: Final = DescriptorPool()
"""Ours alone: in the one that all of a process share, stubs that somebody else has generated would clash with it."""


@cache
def load(contract_name: str) -> None:
    """Make the contract's messages known to the pool.

    Raises:
        LookupError: it has never been described: `python -m sigdep.rpc.generate` does it.
    """
    description = stored_description(contract_name)
    if description is None:
        raise LookupError(f"No description of {contract_name} is stored.")
    if contract_name != SHARED.name:
        load(SHARED.name)
    POOL.Add(description)


def message_class(contract: FileContract, name: str) -> type[Any]:
    """The class of a message of the contract."""
    load(contract.name)
    made: type[Message] = GetMessageClass(POOL.FindMessageTypeByName(f"{contract.package}.{name}"))
    return made

"""The descriptions of all contracts, as the `.proto` files give them, in the form that protobuf loads."""

from importlib.resources import files

from google.protobuf.descriptor_pb2 import FileDescriptorProto

SUFFIX = ".binpb"


def stored_description(name: str) -> FileDescriptorProto | None:
    """Of a contract, by its name. None: it has never been described."""
    file = files(__name__) / (name + SUFFIX)
    return FileDescriptorProto.FromString(file.read_bytes()) if file.is_file() else None

"""The server's own secrets: made at the first start, readable by its user alone, and never logged."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

KEY_ENCRYPTION_KEY: Final = "key-encryption-key"
"""The file of the secret that opens the key ring."""

KEY_BYTES: Final = 32


class SecretsExposed(Exception):
    """A secret can be read by other users of the machine. The text says how to mend it."""


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's bytes; made and durably stored with mode 0600 where there is no such file.

    Safe to race: of two processes that make it at once, one wins and both read the same.

    Raises:
        SecretsExposed: the group or others may read or write it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path, make())
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SecretsExposed(f"{path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
    return path.read_bytes()


def random_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def signing_key() -> bytes:
    """A new Ed25519 key, as PEM (PKCS #8)."""
    # Loaded where it is used: a key is made once, and every process starts sooner without this.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def vapid_key() -> bytes:
    """A new key of P-256, as PEM (PKCS #8)."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _make(path: Path, content: bytes) -> None:
    """Write beside the place, then link into it: nobody ever sees half a secret."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

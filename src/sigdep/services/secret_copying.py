"""Copies the secrets of an installation, and tells whether they are the right ones."""

from pathlib import Path

from sigdep.services.secret_files import KEY_ENCRYPTION_KEY, read_or_make


class BadSecrets(Exception):
    """The folder's secrets cannot be used. The text says why, and what to do."""


def copy_secrets(source: Path, target: Path) -> None:
    """Copy every file of the folder, durably and with mode 0600. Safe to repeat.

    Raises:
        BadSecrets: there are none, or the target holds others.
        SecretsExposed: others can read one of them.
    """
    read_key_encryption_key(source)
    for path in sorted(source.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            content = read_or_make(path, path.read_bytes)
            if read_or_make(target / path.name, lambda content=content: content) != content:  # type: ignore[misc]
                raise BadSecrets(f"{target / path.name} is there already, and is another one. Name another folder.")


def read_key_encryption_key(folder: Path) -> bytes:
    """
    Raises:
        BadSecrets: the folder has none.
        SecretsExposed: others can read it.
    """
    path = folder / KEY_ENCRYPTION_KEY
    if not path.is_file():
        raise BadSecrets(f"{folder} has no {KEY_ENCRYPTION_KEY}. Without it the keys open nothing: name its folder.")
    return read_or_make(path, path.read_bytes)

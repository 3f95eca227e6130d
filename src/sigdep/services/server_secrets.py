"""The secrets of a server, as its folder holds them."""

from dataclasses import dataclass
from pathlib import Path

from sigdep.services.secret_files import KEY_ENCRYPTION_KEY, random_key, read_or_make, signing_key, vapid_key


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the server alone may know. Made at the first start."""

    key_encryption_key: bytes
    """Wraps every key of the key ring."""
    signing_key: bytes
    """Ed25519, PEM: signs access tokens."""
    token_key: bytes
    """Everything that is derived and never stored comes from it: tokens, the ids of e-mail addresses."""
    fingerprint_key: bytes
    """Keys the digests by which a repeated request is recognised."""
    passport_key: bytes
    """Signs who is asking, from service to service."""

    def __repr__(self) -> str:
        return "Secrets(…)"


def load_secrets(place: Path) -> Secrets:
    """
    Args:
        place: the folder that they are in, or shall be.

    Raises:
        SecretsExposed: others can read one of them.
    """
    return Secrets(
        key_encryption_key=read_or_make(place / KEY_ENCRYPTION_KEY, random_key),
        signing_key=read_or_make(place / "signing-key.pem", signing_key),
        token_key=read_or_make(place / "token-key", random_key),
        fingerprint_key=read_or_make(place / "fingerprint-key", random_key),
        passport_key=load_passport_key(place),
    )


def load_key_encryption_key(place: Path) -> bytes:
    """Beside that of passports the one secret of services that know nobody's credentials.

    Raises:
        SecretsExposed: others can read it.
    """
    return read_or_make(place / KEY_ENCRYPTION_KEY, random_key)


def load_passport_key(place: Path) -> bytes:
    """The secret that every process has which asks a service, or is one.

    Raises:
        SecretsExposed: others can read it.
    """
    return read_or_make(passport_key_path(place), random_key)


def load_vapid_key(place: Path) -> bytes:
    """By what push services and browsers know this server: P-256, PEM. Another one ends every subscription.

    Raises:
        SecretsExposed: others can read it.
        OSError: it is not there and cannot be made.
    """
    return read_or_make(place / "vapid-key.pem", vapid_key)


def passport_key_path(place: Path) -> Path:
    return place / "passport-key"

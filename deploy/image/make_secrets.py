"""Makes whatever an installation has to keep secret and does not have yet: keys, and passwords of databases.

    python make_secrets.py FOLDER [POSTGRESQL_HOST]

FOLDER/sigdep            the secrets of SigDep: SIGDEP_SECRETS_DIR
FOLDER/postgresql/USER   the password of each database's user, for postgresql/10-databases.sh
FOLDER/pgpass/ROLE       what a role may know of them: PGPASSFILE

What is there stays as it is. Lose FOLDER/sigdep and nothing can be read any more: it belongs into a backup.
"""

import secrets
import sys
from pathlib import Path
from typing import Final

from sigdep.services.server_secrets import load_secrets, load_vapid_key

PASSWORD_BYTES: Final = 24
SUPERUSER: Final = "postgres"
KEYS: Final = "keys"
DATABASES: Final = {
    "tasks.write": ("tasks_write", KEYS),
    "tasks.read": ("tasks_read", KEYS),
    "calendar.write": ("calendar_write", KEYS),
    "calendar.read": ("calendar_read", KEYS),
    "notifications.write": ("notifications_write", KEYS),
    "notifications.read": ("notifications_read", KEYS),
    "users.write": ("users_write", KEYS),
    "users.read": ("users_read", KEYS),
    "gateway": (KEYS,),
    "migrate": ("tasks_write", "calendar_write", "notifications_write", "users_write", KEYS),
}
"""Whose passwords each role knows, and `sigdep migrate`. A user has the name of its database."""


def make(place: Path, host: str) -> None:
    load_secrets(place / "sigdep")
    load_vapid_key(place / "sigdep")
    passwords = place / "postgresql"
    passwords.mkdir(mode=0o755, parents=True, exist_ok=True)
    for role, databases in DATABASES.items():
        folder = place / "pgpass" / role
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"{host}:*:{name}:{name}:{_password(passwords / name)}\n" for name in databases]
        _write_once(folder / "pgpass", "".join(lines), 0o600)
    _password(passwords / SUPERUSER)


def _password(path: Path) -> str:
    """Readable by all who have the folder: PostgreSQL runs as another user, and has nothing else of ours."""
    return _write_once(path, secrets.token_urlsafe(PASSWORD_BYTES), 0o444)


def _write_once(path: Path, text: str, mode: int) -> str:
    """What the file holds in the end. It appears whole or not at all, so that a run that was cut is just repeated."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.chmod(mode)
        draft.rename(path)
    return path.read_text()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    make(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "*")

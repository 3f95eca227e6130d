"""The folder that holds everything of an embedded server: which file is where, and who may use it."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOGS: Final = ("notifications", "tasks", "calendar", "users")
"""The contexts, each with a log and read models of its own, in the order in which a backup copies the logs:
what a log speaks of must be in those copied after it."""


class DataInUse(Exception):
    """Another process serves this folder."""


class DataFolder:
    """Names the files. The log and the keys are the truth; the views can be rebuilt from them at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def log(self, context: str) -> Path:
        return self.path / f"{context}.log.db"

    def views(self, context: str) -> Path:
        return self.path / f"{context}.views.db"

    @property
    def logs(self) -> Sequence[str]:
        """The contexts of which there is a log: those that the release knew that was last here."""
        return [context for context in LOGS if self.log(context).exists()]

    @property
    def keys(self) -> Path:
        return self.path / "keys.db"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def exists(self) -> bool:
        return bool(self.logs)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Serve this folder alone, for as long as the block lasts. A killed process lets go by dying.

        Raises:
            DataInUse: another process holds it.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataInUse(self._in_use(os.pread(descriptor, 20, 0))) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def _in_use(self, holder: bytes) -> str:
        process = f" (process {holder.decode()})" if holder.isdigit() else ""
        return f"Another SigDep{process} is using {self.path}. Stop it first, or give another folder with --data-dir."

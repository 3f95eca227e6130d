"""A lock on a file of data, so that one process writes it. It ends with the process, however that ends."""

import fcntl
import os
from pathlib import Path

from sigdep.kernel.errors import Unavailable


class InUse(Unavailable):
    """Another process has the data open for writing."""


class FileLock:
    """Holds `<path>.lock`, with the process's id in it for whoever wonders."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            InUse: somebody else holds it.
            Unavailable: the lock's file cannot be made.
        """
        place = path.with_name(path.name + ".lock")
        try:
            self._descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"{place} cannot be made: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise InUse(
                f"{path} is in use by another process ({holder}). Stop it first, or choose another folder for the data."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Safe to repeat. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

"""The few kinds of failure. Whoever declares a new error hangs it under one of these.

SigdepError
├── NotFound              it does not exist, or the caller may not know that it does
├── Unauthenticated       we do not know who is asking
├── Forbidden             we know who is asking, and they may not
├── Invalid               the request makes no sense, whatever the state
│   └── KeyReused         an idempotency key came back with another request
├── Refused               a rule of the domain says no to it in this state
├── WrongExpectedVersion  another writer was faster
│   └── Stale             the version that the caller named is not the present one
├── TooMany               a limit of the caller is used up for now
├── Unavailable           a part is down or busy: the same request may work later
│   └── StreamBusy        too many writers raced for one stream
├── EventTooLarge         (kernel/store.py) it is more than a log takes at once
└── KeyDestroyed          (kernel/keys.py) the subject has been erased

What is none of these is a bug, but for LogDamaged, which nobody asked for: the log is not what was written.
"""

from collections.abc import Sequence

from msgspec import Struct

from sigdep.kernel.ids import StreamId, Version


class Fault(Struct, frozen=True):
    """One thing that is wrong with a request, and where (RFC 6901 pointer into the body, or a parameter's name)."""

    pointer: str
    detail: str


class SigdepError(Exception):
    """Whatever we refuse or fail at on purpose. The text is a sentence for the person who asked."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail  # Whoever knows more of the place says it there, as a batch does.


class NotFound(SigdepError):
    """It does not exist, or the caller may not know that it does."""


class Unauthenticated(SigdepError):
    """We do not know who is asking."""


class Forbidden(SigdepError):
    """We know who is asking, and they may not."""


class Invalid(SigdepError):
    """The request makes no sense, whatever the state."""

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.faults = tuple(faults)

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        return cls(detail, (Fault(pointer, detail),))


class KeyReused(Invalid):
    """An idempotency key came back with another request."""


class Refused(SigdepError):
    """A rule of the domain says no to it in this state."""


class WrongExpectedVersion(SigdepError):
    """Another writer was faster. Nothing was written."""

    def __init__(self, stream: StreamId, expected: Version, actual: Version) -> None:
        super().__init__(f"{stream} is at version {actual}, not at {expected}.")
        self.stream, self.expected, self.actual = stream, expected, actual


class Stale(WrongExpectedVersion):
    """The version that the caller named is not the present one."""


class TooMany(SigdepError):
    """A limit of the caller is used up for now."""

    def __init__(self, detail: str, retry_after_seconds: float) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(SigdepError):
    """A part is down or busy: the same request may work later."""

    def __init__(self, detail: str, retry_after_seconds: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class StreamBusy(Unavailable):
    """Too many writers raced for one stream."""


class LogDamaged(Exception):
    """The log is not what was written: a hole in its positions, or an event that no code can read.

    No SigdepError: nobody asked for something wrong. The reader that meets it halts.
    """


def with_cause(error: BaseException) -> str:
    """For whoever operates this: what is said to strangers, and what it comes from, which is not."""
    cause = str(error.__cause__ or "")
    return str(error) if cause in str(error) else f"{error} ({cause})"

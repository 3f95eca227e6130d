"""What the edge itself refuses, before any context hears of it."""

from collections.abc import Sequence

from sigdep.kernel.errors import Forbidden, SigdepError, Unavailable


class Malformed(SigdepError):
    """The request cannot be read: no JSON, no UTF-8, a header that stands twice."""


class OAuthRefused(Malformed):
    """A refusal in the words of OAuth, which its clients read instead of a problem (RFC 6749 §5.2)."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        """One of those that the standard names, as `invalid_grant`."""


class MethodNotAllowed(SigdepError):
    """The path exists, but not for this method."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} is not possible here; {', '.join(allowed)} is.")
        self.allowed = tuple(allowed)


class SlowRequest(SigdepError):
    """The body did not arrive in time."""


class BodyTooLarge(SigdepError):
    """The body is over the limit. It has not been read to its end."""

    def __init__(self, detail: str, *, close: bool) -> None:
        super().__init__(detail)
        self.close = close
        """True: what is left of the body is too much to be skipped, so that the connection ends with the answer."""


class UnsupportedMediaType(SigdepError):
    """The body is not what this route reads."""


class ScopeMissing(Forbidden):
    """The token has not been allowed this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a token with the scope {scope}; make one that has it.")
        self.scope = scope


class DeadlinePassed(Unavailable):
    """The answer took too long, and the request was given up. What it asked for may have happened."""

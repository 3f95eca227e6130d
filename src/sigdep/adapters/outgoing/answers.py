"""What came back from outside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

RETRY_AFTER_SECONDS_MAX: Final = 86_400.0
"""Nobody makes us wait for longer."""


class NoAnswer(Exception):
    """It is not known whether what we sent has arrived. The text is a sentence that says what went wrong."""


class Answer(Struct, frozen=True, kw_only=True):
    """One answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name; of several with one name the last."""
    body: bytes
    """Its beginning, as much as was asked for."""

    @property
    def retry_after_seconds(self) -> float | None:
        """For how long we are asked to wait (RFC 9110 §10.2.3). None: it has not said, or not so that we understand."""
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdigit():
            return min(float(said[:10]), RETRY_AFTER_SECONDS_MAX)
        try:
            until = parsedate_to_datetime(said)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)

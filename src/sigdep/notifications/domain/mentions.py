"""Who is mentioned in a text: `@ada@example.org`, or `@` and the id of a user. A name alone is nobody in particular."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sigdep.contracts.ids import UserId

MENTIONS_MAX: Final = 50
"""Of each form. Whoever is mentioned after so many is not told."""
EMAIL_LENGTH_MAX: Final = 254

_ID: Final = re.compile(r"(?<![\w@.])@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])", re.IGNORECASE)
_EMAIL: Final = re.compile(r"(?<![\w@.])@([^\s@,;:()<>\[\]\"'`]{1,64}@[\w-]+(?:\.[\w-]+)*)")


class Mentions(NamedTuple):
    user_ids: Sequence[UserId]
    emails: Sequence[str]


def mentions_in(text: str) -> Mentions:
    """Those who may be meant. Who of them is a member, others know."""
    ids = dict.fromkeys(UserId(UUID(found)) for found in _ID.findall(text))
    emails = dict.fromkeys(found for found in _EMAIL.findall(text) if len(found) <= EMAIL_LENGTH_MAX)
    return Mentions(list(ids)[:MENTIONS_MAX], list(emails)[:MENTIONS_MAX])

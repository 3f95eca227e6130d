"""Cuts a filter into words, quoted strings and signs, each with its column."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sigdep.tasks.filter.syntax import FILTER_CHARACTERS_MAX, fault

TokenKind = Literal["word", "string", "operator", "(", ")", ",", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    """Without quotes and escapes."""
    column: int
    """Where it begins, from 1."""

    @property
    def keyword(self) -> str:
        """The word in lower case; nothing for all else, so that it equals no keyword."""
        return self.text.lower() if self.kind == "word" else ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f'"{self.text}"'


# An instant has colons in it, so it is looked for before the operators are.
_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<operator><=|>=|!=|[=<>:])
    | (?P<sign>[(),])
    | (?P<word>\d{4}-\d{2}-\d{2}[Tt][^\s(),"=<>!]*|[^\s(),"=<>!:]+)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no database takes for text: control characters, and halves of characters."""
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def tokens(text: str) -> list[Token]:
    """The tokens in order, the last of which is the end.

    Raises:
        Invalid: the text is too long, or a character begins nothing.
    """
    if len(text) > FILTER_CHARACTERS_MAX:
        raise fault(
            FILTER_CHARACTERS_MAX + 1,
            f"a filter has at most {FILTER_CHARACTERS_MAX:,} characters; this one has {len(text):,}.",
        )
    if forbidden := _FORBIDDEN.search(text):
        raise fault(forbidden.start() + 1, "control characters have no place in a filter.")
    return list(_cut(text))


def _cut(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _stray(text, place)
        if token := _token(found):
            yield token
        place = found.end()
    yield Token("end", "", len(text) + 1)


def _token(found: "re.Match[str]") -> Token | None:
    column = found.start() + 1
    piece = found.group()
    match found.lastgroup:
        case "space":
            return None
        case "string":
            return Token("string", _ESCAPED.sub(r"\1", piece[1:-1]), column)
        case "operator":
            return Token("operator", piece, column)
        case "word":
            return Token("word", piece, column)
        case _:
            return Token("(" if piece == "(" else ")" if piece == ")" else ",", piece, column)


def _stray(text: str, place: int) -> Exception:
    if text[place] == '"':
        return fault(place + 1, "this quotation mark is never closed.")
    if text[place] == "!":
        return fault(place + 1, 'expected "!=". To turn a term round, write "not" before it.')
    return fault(place + 1, f"{text[place]!r} has no meaning here.")

"""The words of a text as full-text search knows them: folded, so that case and accents make no difference."""

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import combining, normalize

WORD_CHARACTERS_MAX: Final = 64
"""What a longer word is cut to, in a row and in a question alike."""

ROW_WORDS_MAX: Final = 4_000
"""Different words of one row that can be found; later ones cannot. PostgreSQL takes 1 MB of them."""

QUESTION_WORDS_MAX: Final = 32
"""Different words of a question that count."""

_ACCENT_CLASS_MIN: Final = 10
"""Unicode combining classes from here on are accents and vowel points; those below change which letter it is."""

# Scripts that put no spaces between words: each of their characters is a word. Thai to Tibetan, Myanmar, Khmer,
# kana, CJK ideographs.
_ALONE: Final = (
    "\u0e00-\u0e4f\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17d3"
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
# Vowel signs are no letters for Python, yet they stand inside the words of Indian scripts.
_SIGNS: Final = (
    "\u0900-\u0903\u093a-\u094f\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a51\u0abc-\u0acd\u0b3c-\u0b57"
)
_WORD: Final = re.compile(f"[{_ALONE}]|(?:(?![{_ALONE}])[^\\W_]|[{_SIGNS}])+")
_ASCII_WORD: Final = re.compile("[a-z0-9]+")


def words(text: str) -> list[str]:
    """The text's words in their order, folded and cut, each as often as it comes."""
    found = _ASCII_WORD.findall(text.lower()) if text.isascii() else _WORD.findall(fold(text))
    if len(text) <= WORD_CHARACTERS_MAX:
        return found
    return [word[:WORD_CHARACTERS_MAX] for word in found]


def fold(text: str) -> str:
    """Without case and accents: `Straße` and `STRASSE`, `Café` and `cafe` become the same."""
    spread = normalize("NFKD", normalize("NFKD", text).casefold())
    return normalize("NFC", "".join(c for c in spread if combining(c) < _ACCENT_CLASS_MIN))


def row_words(texts: Iterable[str]) -> list[str]:
    """The different words of a row's search columns, at most ROW_WORDS_MAX."""
    return list(dict.fromkeys(words(" ".join(texts))))[:ROW_WORDS_MAX]


def question_words(text: str) -> list[str]:
    """The different words that are asked for, at most QUESTION_WORDS_MAX."""
    return list(dict.fromkeys(words(text)))[:QUESTION_WORDS_MAX]

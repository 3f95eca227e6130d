"""What a word is for full-text search."""

import sys

import pytest

from sigdep.kernel.words import (
    QUESTION_WORDS_MAX,
    ROW_WORDS_MAX,
    WORD_CHARACTERS_MAX,
    question_words,
    row_words,
    words,
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        (" .,;!? \0\t", []),
        ("Buy milk, buy bread", ["buy", "milk", "buy", "bread"]),
        ("it's x2 foo_bar", ["it", "s", "x2", "foo", "bar"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("Café naïve ÉCOLE", ["cafe", "naive", "ecole"]),
        ("Ελλάς ΕΛΛΆΣ", ["ελλασ", "ελλασ"]),
        ("İstanbul", ["istanbul"]),
        ("ﬁn \U0001d518\U0001d52b\U0001d526 Ⅻ", ["fin", "uni", "xii"]),
        ("한국어 공부", ["한국어", "공부"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("日本語abc", ["日", "本", "語", "abc"]),
        ("ガす", ["ガ", "す"]),
        ("😀ok😀", ["ok"]),
        ("café", ["cafe"]),
        ("\ud800lone", ["lone"]),
    ],
)  # fmt: skip
def test_words_are_folded_runs_of_letters_and_digits(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_every_word_is_its_own_only_word_and_has_nothing_but_letters_in_ascii() -> None:
    """So that a tokenizer which splits at ASCII punctuation, and quotes around a word, can do nothing to it."""
    for point in (*range(0xD800), *range(0xE000, sys.maxunicode + 1, 3)):
        for word in words(f"{chr(point)}a"):
            assert words(word) == [word]
            assert all(character.isalnum() for character in word if character.isascii())


def test_long_words_are_cut_alike_in_rows_and_questions() -> None:
    assert words("é" * 200) == ["e" * WORD_CHARACTERS_MAX]
    assert words(f"short {'x' * 200}") == ["short", "x" * WORD_CHARACTERS_MAX]


def test_a_row_and_a_question_have_so_many_different_words() -> None:
    assert row_words(["b a", "a c"]) == ["b", "a", "c"]
    assert row_words(["one", "two"]) == ["one", "two"]
    many = " ".join(map(str, range(ROW_WORDS_MAX + 5)))
    assert row_words([many]) == list(map(str, range(ROW_WORDS_MAX)))
    assert question_words(f"a a {many}") == ["a", *map(str, range(QUESTION_WORDS_MAX - 1))]

"""Who is mentioned in a text."""

import time

import pytest

from sigdep.notifications.domain.mentions import MENTIONS_MAX, mentions_in
from tests.notifications.stories import ADA, BOB
from tests.patience import patience


@pytest.mark.parametrize(
    "text, ids, emails",
    [
        (f"@{BOB}", [BOB], []),
        (f"Hello @{str(BOB).upper()}, and @{ADA}: @{BOB}!", [BOB, ADA], []),
        ("Ask @ada@example.org.", [], ["ada@example.org"]),
        ("(@ada.b+c@mail.example.org)", [], ["ada.b+c@mail.example.org"]),
        ("Ada wrote from ada@example.org", [], []),
        ("@ada and @bob", [], []),
        (f"x@{BOB} and @{BOB}5 and @@{BOB}", [], []),
        ("", [], []),
    ],
)
def test_an_id_or_an_address_is_somebody_and_a_name_is_nobody(text: str, ids: list[object], emails: list[str]) -> None:
    assert mentions_in(text) == (ids, emails)


def test_who_mentions_everybody_reaches_no_more_than_so_many() -> None:
    text = " ".join(f"@person{number}@example.org" for number in range(MENTIONS_MAX + 1))
    assert len(mentions_in(text).emails) == MENTIONS_MAX


@pytest.mark.parametrize("text", ["@" * 16_384, "@a@" * 5_461, "@a@" + "a." * 8_190, "@" + "a" * 16_383])
def test_a_hostile_text_takes_no_longer_than_another(text: str) -> None:
    started = time.perf_counter()
    mentions_in(text)
    assert time.perf_counter() - started < patience(0.25)

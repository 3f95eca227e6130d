"""What is forgotten at a notice, and that there is a bound to what is told apart."""

from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId
from sigdep.http import revocations
from sigdep.http.revocations import Forgotten

ADA, BOB, *OTHERS = [UserId(UUID(int=number)) for number in range(20)]


def test_what_was_asked_before_a_notice_is_not_believed_and_what_is_asked_later_is() -> None:
    forgotten = Forgotten()
    assert forgotten.believes(ADA, 0.0)
    forgotten.forget([ADA], now=10.0)
    assert [forgotten.believes(ADA, at) for at in (9.0, 10.0, 10.1)] == [False, False, True]
    assert forgotten.believes(BOB, 9.0)
    assert [forgotten.believes_all(at) for at in (10.0, 10.1)] == [False, True]


def test_what_is_asked_too_soon_after_a_notice_is_never_believed() -> None:
    forgotten = Forgotten(settle_seconds=0.5)
    forgotten.forget([ADA], now=10.0)
    assert [forgotten.believes(ADA, at) for at in (10.4, 10.5, 10.6)] == [False, False, True]


def test_a_notice_about_everybody_is_about_each() -> None:
    forgotten = Forgotten()
    forgotten.forget([BOB], now=5.0)
    forgotten.forget(None, now=10.0)
    assert [forgotten.believes(user, 9.0) for user in (ADA, BOB)] == [False, False]
    assert [forgotten.believes(user, 11.0) for user in (ADA, BOB)] == [True, True]


def test_past_the_bound_more_is_forgotten_never_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "FORGOTTEN_USERS_MAX", 3)
    forgotten = Forgotten()
    for number, user in enumerate([ADA, *OTHERS]):
        forgotten.forget([user], now=float(number))
    assert not forgotten.believes(ADA, 0.0)
    assert not forgotten.believes(BOB, 5.0)
    assert not any(forgotten.believes(user, float(number)) for number, user in enumerate([ADA, *OTHERS]))
    assert forgotten.believes(BOB, len(OTHERS) + 1.0)

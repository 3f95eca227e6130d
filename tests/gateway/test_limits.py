"""Callers get their burst and their rate exactly, and the limiter's memory is bounded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from sigdep.gateway import gcra
from sigdep.gateway.application import create_application
from sigdep.gateway.gcra import Gcra
from sigdep.gateway.settings import Limits
from sigdep.http.limiting import Rate
from tests.http.demo import SETTINGS, Notes, People, client_of

FAST = Rate(per_second=1_000, burst=1_000)
SLOW = Rate(per_second=0.01, burst=3)
EASY = dict.fromkeys(("user", "address", "sign_in", "for_many", "bad_token"), FAST)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_one_for_each_interval() -> None:
    clock = Clock()
    limiter = Gcra(Rate(per_second=10, burst=5), clock)
    assert [limiter.take("a").remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = limiter.take("a")
    assert refused.remaining == 0
    assert refused.retry_seconds == pytest.approx(0.1)
    clock.now += 0.1
    assert limiter.take("a").retry_seconds == 0
    assert limiter.take("a").retry_seconds == pytest.approx(0.1)
    clock.now += 3_600
    assert [bool(limiter.take("a").retry_seconds) for _ in range(6)] == [False] * 5 + [True]


def test_a_refused_request_costs_nothing() -> None:
    clock = Clock()
    limiter = Gcra(Rate(per_second=1, burst=1), clock)
    limiter.take("a")
    for _ in range(1_000):
        assert limiter.take("a").retry_seconds == pytest.approx(1)
    clock.now += 1
    assert limiter.take("a").retry_seconds == 0


def test_one_caller_does_not_use_up_what_is_anothers() -> None:
    limiter = Gcra(Rate(per_second=1, burst=1), Clock())
    assert limiter.take("a").retry_seconds == 0
    assert limiter.take("b").retry_seconds == 0


def test_over_an_hour_nobody_gets_more_than_burst_and_rate() -> None:
    clock = Clock()
    limiter = Gcra(Rate(per_second=7, burst=20), clock)
    passed = 0
    for _ in range(36_000):
        clock.now += 0.01
        passed += not limiter.take("a").retry_seconds
    assert passed == pytest.approx(20 + 7 * 360, abs=1)


def test_memory_is_bounded_and_forgets_those_first_who_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcra, "CALLERS_MAX", 100)
    clock = Clock()
    limiter = Gcra(Rate(per_second=1, burst=2), clock)
    for number in range(50):
        limiter.take(f"old-{number}")
    clock.now += 60
    for _ in range(2):
        for number in range(50):
            limiter.take(f"new-{number}")
    limiter.take("one more")
    assert len(limiter) == 51
    assert limiter.take("new-0").retry_seconds > 0
    for number in range(1_000):
        limiter.take(f"flood-{number}")
    assert len(limiter) <= 100


def test_to_forget_makes_room_for_more_than_the_one_who_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcra, "CALLERS_MAX", 100)
    clock = Clock()
    limiter = Gcra(Rate(per_second=1, burst=2), clock)
    limiter.take("long ago")
    clock.now += 60
    for number in range(99):
        limiter.take(str(number))
    limiter.take("one more")
    assert len(limiter) == 91


@asynccontextmanager
async def limited(token: str | None = "good", **rates: Rate) -> AsyncIterator[httpx.AsyncClient]:
    settings = replace(SETTINGS, limits=replace(Limits(**EASY), **rates))
    application = create_application(Notes().routes(), identities=People(), settings=settings)
    async with client_of(application, token=token) as client:
        yield client


async def test_a_user_is_told_what_is_left_and_when_to_come_back() -> None:
    async with limited(user=SLOW) as client:
        answers = [await client.get("/api/notes") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
        assert answers[0].headers["ratelimit-reset"] == "100"
        assert answers[3].headers["retry-after"] == "100"
        assert answers[3].json()["type"] == "/problems/too-many-requests"
        second = await client.get("/api/notes", headers={"Authorization": "Bearer second"})
        assert second.status_code == 200


async def test_all_tokens_of_a_user_share_one_limit() -> None:
    async with limited(user=SLOW) as client:
        for token in ("good", "reader", "good"):
            await client.get("/api/notes", headers={"Authorization": f"Bearer {token}"})
        assert (await client.get("/api/notes")).status_code == 429


async def test_nobody_in_particular_is_limited_by_address_also_where_nothing_is() -> None:
    async with limited(token=None, address=SLOW) as client:
        answers = [await client.get(path) for path in ("/api/notes", "/nothing", "/health/live", "/nothing")]
        assert [answer.status_code for answer in answers] == [401, 404, 200, 429]


async def test_signing_in_has_a_limit_of_its_own() -> None:
    async with limited(token=None, sign_in=SLOW) as client:
        answers = [await client.post("/api/sessions") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
        assert (await client.get("/health/live")).status_code == 200


async def test_an_answer_tells_of_the_tightest_limit_alone() -> None:
    for token in (None, "good", "nonsense"):
        async with limited(token=token, sign_in=SLOW) as client:
            answers = [await client.post("/api/sessions") for _ in range(4)]
        assert [answer.headers.get_list("ratelimit-remaining") for answer in answers] == [["2"], ["1"], ["0"], ["0"]]
        assert {tuple(answer.headers.get_list("ratelimit-limit")) for answer in answers} == {("3",)}
        async with limited(token=token, user=SLOW, address=SLOW) as client:
            answer = await client.post("/api/sessions")
        assert answer.headers.get_list("ratelimit-limit") == ["3"]


async def test_what_a_few_servers_ask_for_many_people_has_a_limit_of_its_own() -> None:
    async with limited(token=None, sign_in=SLOW, address=SLOW) as client:
        assert [(await client.post("/api/clicks")).status_code for _ in range(9)] == [204] * 9
        assert [(await client.post("/api/sessions")).status_code for _ in range(4)] == [204, 204, 204, 429]
    async with limited(token=None, for_many=SLOW) as client:
        assert [(await client.post("/api/clicks")).status_code for _ in range(4)] == [204, 204, 204, 429]
        assert (await client.post("/api/sessions")).status_code == 204


async def test_a_token_that_is_none_does_not_get_around_the_limit_for_signing_in() -> None:
    async with limited(token="nonsense", sign_in=SLOW) as client:
        assert [(await client.post("/api/sessions")).status_code for _ in range(4)] == [204, 204, 204, 429]


async def test_a_token_that_is_none_does_not_get_around_the_limit_of_the_address() -> None:
    async with limited(token="nonsense", address=SLOW) as client:
        assert [(await client.get("/health/live")).status_code for _ in range(4)] == [200, 200, 200, 429]


async def test_after_many_tokens_that_are_none_no_token_is_looked_at() -> None:
    async with limited(token="nonsense", bad_token=SLOW) as client:
        assert [(await client.get("/api/notes")).status_code for _ in range(4)] == [401, 401, 401, 429]
        good = await client.get("/api/notes", headers={"Authorization": "Bearer good"})
        assert good.status_code == 429


async def test_without_limits_no_header_speaks_of_them() -> None:
    application = create_application(Notes().routes(), identities=People(), settings=SETTINGS)
    async with client_of(application) as client:
        answer = await client.get("/api/notes")
    assert not [name for name in answer.headers if name.startswith("ratelimit")]

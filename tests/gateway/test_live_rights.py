"""Who may listen, for how long, and who is here."""

import asyncio
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId
from sigdep.gateway.live import bounds
from sigdep.gateway.live import hub as hub_module
from sigdep.gateway.live import session as session_module
from sigdep.gateway.live.closing import REASONS, Close
from sigdep.gateway.live.presence import LocalPresence
from sigdep.http.revocations import Suspects
from sigdep.kernel.errors import TooMany, Unavailable
from sigdep.rpc.call import Principal
from tests.gateway.live_world import KEPT_FRAMES_MAX, NEIGHBOUR, Listener, World
from tests.gateway.test_live_order import until
from tests.http.demo import OTHER_WORKSPACE, USER, WORKSPACE
from tests.patience import patience

SECOND = UserId(UUID(int=USER.int + 1))


@pytest.fixture
def world() -> World:
    return World()


async def test_what_happens_after_a_removal_is_not_told_to_who_was_removed_and_they_hear_that_it_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 60.0)  # By the log alone.
    ada, bob = Listener(world), Listener(world, "second")
    async with world.open():
        await ada.connect()
        await bob.connect()
        await world.write("before")
        await until(lambda: bob.texts() == ["before"])
        await world.remove(SECOND)
        await world.write("after")
        await until(lambda: "after" in ada.texts())
        assert bob.texts() == ["before"]
        (ended,) = bob.of_kind("unsubscribed")
        assert (ended["workspace_id"], ended["problem"]["status"]) == (str(WORKSPACE), 404)
        assert not bob.closed
        # Whoever is taken in again only needs to say so; the people of this test never forgot them.
        bob.say({"subscribe": {"from": bob.position}})
        await until(lambda: bob.texts() == ["before", "after"])


async def test_who_comes_back_after_a_removal_is_asked_about_past_what_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 60.0)
    bob = Listener(world, "second")
    async with world.open():
        await bob.connect()
        await world.write("before")
        await until(lambda: bob.texts() == ["before"])
        remembered, world.people.true = world.people.true, {}  # What is cached still says that he is a member.
        await world.remove(SECOND)
        await until(lambda: len(bob.of_kind("unsubscribed")) == 1)
        for times in (2, 3):  # Refused once, he is not let in the next time either.
            bob.say({"subscribe": {"from": bob.position}})
            await until(lambda times=times: len(bob.of_kind("unsubscribed")) == times)
            assert bob.of_kind("unsubscribed")[-1]["problem"]["status"] == 404
        await world.write("after")
        world.people.true = remembered
        bob.say({"subscribe": {"from": "latest"}})
        await until(lambda: len(bob.of_kind("subscribed")) == 2)
        assert bob.texts() == ["before"]


async def test_a_removal_of_long_ago_ends_nothing(world: World) -> None:
    bob = Listener(world, "second")
    async with world.open():
        await world.write("before")
        await world.remove(SECOND)
        await bob.connect()
        await world.write("after")
        await until(lambda: bob.texts() == ["before", "after"])
        assert bob.of_kind("unsubscribed") == []


async def test_what_is_for_one_person_is_told_to_nobody_else_however_they_come_to_it(world: World) -> None:
    ada, bob, late, back = (Listener(world, token) for token in ("good", "second", "good", "good"))
    async with world.open() as hub:
        for listener in (ada, bob, back):
            await listener.connect()
        await world.write("1")
        await until(lambda: back.texts() == ada.texts() == bob.texts() == ["1"])
        back.cut()
        await world.whisper("For Bob", SECOND)
        await world.write("2")
        await world.whisper("For Ada", USER)
        await world.write("3")
        await until(lambda: bob.texts() == ["1", "For Bob", "2", "3"])
        await until(lambda: ada.texts() == ["1", "2", "For Ada", "3"])
        read = hub.counts.catch_ups
        await back.connect()  # Out of what is kept at hand.
        await until(lambda: back.texts() == ["1", "2", "For Ada", "3"])
        assert hub.counts.catch_ups == read
        for listener in (ada, bob, back):
            listener.cut()
        await late.connect()  # Out of the log.
        await until(lambda: late.texts() == ["1", "2", "For Ada", "3"])
        assert hub.counts.catch_ups > read
        for listener in (ada, bob, back):
            await listener.connect()
        await world.whisper("At last", SECOND)
        await world.write("4")
        for listener in (ada, late, back):
            await until(lambda listener=listener: listener.texts()[-1] == "4")
            assert listener.texts() == ["1", "2", "For Ada", "3", "4"]
        assert bob.texts() == ["1", "For Bob", "2", "3", "At last", "4"]


@pytest.mark.parametrize("reads", [True, False])
async def test_who_is_no_member_any_more_hears_nothing_after_a_second_also_while_catching_up(
    world: World, reads: bool
) -> None:
    bob = Listener(world, "second")
    bob.reads = reads
    async with world.open():
        await world.write(*map(str, range(KEPT_FRAMES_MAX + 50)))
        await bob.connect()
        await asyncio.sleep(0.1)
        world.people.true = world.people.cached = {}
        started = perf_counter()
        if reads:
            await until(lambda: bob.of_kind("unsubscribed"))
        else:
            await asyncio.sleep(0.9)
            bob.read_on()
            assert bob.of_kind("unsubscribed")
        assert perf_counter() - started < patience(1)
        heard = bob.texts()
        await world.write("secret")
        await asyncio.sleep(0.1)
        assert bob.texts() == heard


async def test_a_credential_that_is_no_good_any_more_closes_the_connection_within_a_second(world: World) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        await until(lambda: ada.of_kind("subscribed"))
        world.people.revoked = True
        started = perf_counter()
        await until(lambda: ada.closed)
        assert perf_counter() - started < patience(1)
        assert ada.close_code == Close.UNAUTHENTICATED


async def test_of_whom_it_is_not_known_at_once_keeps_nobody_else_from_being_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal, answer, asked = world.people.principal, asyncio.Event(), 0

    async def slow_for_bob(bearer: str, *, fresh: bool = False) -> Principal:
        nonlocal asked
        if bearer == "second":
            asked += 1
            await answer.wait()
        return await principal(bearer, fresh=fresh)

    ada, bob = Listener(world), Listener(world, "second")
    async with world.open():
        for one in (bob, ada):
            await one.connect()
        await until(lambda: bool(ada.of_kind("subscribed") and bob.of_kind("subscribed")))
        monkeypatch.setattr(world.people, "principal", slow_for_bob)
        await until(lambda: asked == 1)
        world.people.true = world.people.cached = {}
        await until(lambda: ada.of_kind("unsubscribed"))
        assert (asked, bob.of_kind("unsubscribed")) == (1, [])
        answer.set()
        await until(lambda: bob.of_kind("unsubscribed"))


@pytest.mark.parametrize("suspects", [[USER], None], ids=["that user", "everybody"])
async def test_who_is_suspect_is_looked_at_at_once_past_what_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch, suspects: Suspects
) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 60.0)
    ada, bob = Listener(world), Listener(world, "second")
    async with world.open() as hub:
        for one in (ada, bob):
            await one.connect()
        await until(lambda: bool(ada.of_kind("subscribed") and bob.of_kind("subscribed")))
        world.people.true = {}  # What is cached still says that they are members.
        hub.suspect([UserId(UUID(int=77))])
        await asyncio.sleep(0.1)
        assert ada.of_kind("unsubscribed") == []
        hub.suspect(suspects)
        await until(lambda: ada.of_kind("unsubscribed"))
        assert bool(bob.of_kind("unsubscribed")) == (suspects is None)
        assert not ada.closed
        world.people.revoked = True
        hub.suspect(suspects)
        await until(lambda: ada.closed)
        assert ada.close_code == Close.UNAUTHENTICATED


async def test_that_nobody_can_say_more_of_who_is_suspect_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = world.people.principal
    asked: list[bool] = []

    async def only_what_is_cached(bearer: str, *, fresh: bool = False) -> Principal:
        asked.append(fresh)
        if fresh:
            raise Unavailable("Away.")
        return await principal(bearer)

    ada = Listener(world)
    async with world.open() as hub:
        await ada.connect()
        await until(lambda: ada.of_kind("subscribed"))
        monkeypatch.setattr(world.people, "principal", only_what_is_cached)
        hub.suspect([USER])
        await until(lambda: True in asked and False in asked[asked.index(True) :])
        assert not ada.closed


@pytest.mark.parametrize("error, code", [(Unavailable("Away."), Close.UNAVAILABLE), (ValueError("?"), Close.BUG)])
async def test_while_nobody_can_say_who_may_listen_nobody_does(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, code: Close
) -> None:
    async def principal(bearer: str, *, fresh: bool = False) -> Principal:
        raise error

    ada = Listener(world)
    async with world.open():
        await ada.connect()
        await until(lambda: ada.of_kind("subscribed"))
        monkeypatch.setattr(world.people, "principal", principal)
        await until(lambda: ada.closed)
        assert ada.close_code == code


async def test_a_stranger_is_told_that_there_is_no_such_workspace(world: World) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect(workspace_id=str(OTHER_WORKSPACE))
        await until(lambda: ada.of_kind("unsubscribed"))
        (ended,) = ada.of_kind("unsubscribed")
        assert (ended["problem"]["status"], ada.of_kind("subscribed")) == (404, [])


async def test_who_has_just_become_a_member_is_let_in(world: World) -> None:
    ada = Listener(world)
    async with world.open():
        world.people.true = {WORKSPACE: "owner", NEIGHBOUR: "viewer"}
        await world.write("welcome", workspace=NEIGHBOUR)
        await ada.connect(workspace_id=str(NEIGHBOUR))
        await until(lambda: ada.texts() == ["welcome"])
        await asyncio.sleep(2 * bounds.LOOK_SECONDS)  # Old roles would say no.
        assert ada.of_kind("unsubscribed") == []


@pytest.mark.parametrize(
    "message, status",
    [
        ("nonsense", 422),
        ({}, 422),
        ({"subscribe": {}, "unsubscribe": {"workspace_id": str(WORKSPACE)}}, 422),
        ({"subscribe": {"workspace_id": "x"}}, 422),
        ({"subscribe": {"from": 5}}, 422),
        ({"subscribe": {"after": "x"}}, 422),
        ({"subscribe": None}, 422),
        ({"shout": {}}, 422),
        ({"unsubscribe": {"workspace_id": str(NEIGHBOUR)}}, 404),
        ({"subscribe": {}}, 409),
        ([[]], 422),
    ],
)
async def test_what_makes_no_sense_is_answered_and_harms_nothing(world: World, message: Any, status: int) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        ada.say(message)
        await world.write("a")
        await until(lambda: ada.texts() == ["a"])
        (problem,) = ada.of_kind("error")
        assert (problem["status"], ada.closed) == (status, False)


@pytest.mark.parametrize("start", ["nonsense", "", "Zi4z"])
async def test_a_position_that_is_none_is_named_and_the_workspace_can_be_asked_for_again(
    world: World, start: str
) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect(from_=start)
        await until(lambda: ada.of_kind("unsubscribed"))
        (ended,) = ada.of_kind("unsubscribed")
        assert ended["problem"]["errors"][0]["pointer"] == "/subscribe/from"
        ada.say({"subscribe": {}})
        await world.write("a")
        await until(lambda: ada.texts() == ["a"])


async def test_who_goes_on_making_no_sense_is_closed(world: World) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        for _ in range(bounds.REFUSALS_MAX):
            assert not ada.closed
            ada.say("nonsense")
        assert ada.close_code == Close.MALFORMED


async def test_a_client_can_ask_only_so_much_at_once(world: World) -> None:
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        for _ in range(bounds.MESSAGES_BURST):
            ada.say({"unsubscribe": {"workspace_id": str(WORKSPACE)}})
            if ada.of_kind("error"):
                break
            ada.say({"subscribe": {}})
        assert ada.of_kind("error")[0]["status"] == 429


async def test_who_unsubscribes_hears_that_and_no_more(world: World) -> None:
    ada, other = Listener(world), Listener(world)
    async with world.open():
        await ada.connect()
        await other.connect()
        await world.write("a")
        await until(lambda: ada.texts() == ["a"])
        ada.say({"unsubscribe": {"workspace_id": str(WORKSPACE)}})
        assert ada.of_kind("unsubscribed") == [{"workspace_id": str(WORKSPACE)}]
        await world.write("b")
        await until(lambda: "b" in other.texts())
        assert ada.texts() == ["a"]


async def test_a_connection_hears_a_bounded_number_of_workspaces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "SUBSCRIPTIONS_MAX", 1)
    world.people.true = world.people.cached = {WORKSPACE: "owner", NEIGHBOUR: "viewer"}
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        ada.say({"subscribe": {"workspace_id": str(NEIGHBOUR)}})
        assert ada.of_kind("error")[0]["status"] == 409


async def test_connections_are_bounded_for_each_user_and_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "USER_CONNECTIONS_MAX", 1)
    monkeypatch.setattr(hub_module, "CONNECTIONS_MAX", 2)
    ada, again, bob = Listener(world), Listener(world), Listener(world, "second")
    async with world.open() as hub:
        await ada.connect()
        with pytest.raises(TooMany):
            await again.connect()
        ada.cut()
        await again.connect()
        await bob.connect()
        monkeypatch.setattr(hub_module, "USER_CONNECTIONS_MAX", 9)
        with pytest.raises(Unavailable):
            await ada.connect()
        assert hub.counts.connections == 2


async def test_who_is_here_is_told_to_who_asks_and_not_for_everyone_who_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigdep.gateway.live.presence.PRESENT_USERS_MAX", 1)
    ada, bobs, silent = Listener(world), [Listener(world, "second") for _ in range(20)], Listener(world)
    async with world.open():
        await ada.connect(presence=True)
        await silent.connect()
        for bob in bobs:
            await bob.connect()
        await until(lambda: ada.of_kind("present") and ada.of_kind("present")[-1]["count"] == 2)
        assert ada.of_kind("present")[-1]["user_ids"] == [str(USER)]
        assert len(ada.of_kind("present")) <= 2
        for bob in bobs[1:]:
            bob.cut()
        await asyncio.sleep(bounds.PRESENCE_SECONDS + 2 * bounds.LOOK_SECONDS)
        assert ada.of_kind("present")[-1]["count"] == 2  # One of their connections is still there.
        bobs[0].cut()
        await until(lambda: ada.of_kind("present")[-1]["count"] == 1)
        assert silent.of_kind("present") == []


async def test_a_quiet_subscription_says_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.gateway.live.room.HEARTBEAT_SECONDS", 0.1)
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        await world.write("neighbour's", workspace=NEIGHBOUR)
        await asyncio.sleep(0.1)
        start = len(ada.of_kind("heartbeat"))
        await until(lambda: len(ada.of_kind("heartbeat")) > start)
        moved_on = ada.of_kind("heartbeat")[-1]["position"]
        await world.write("mine")
        again = Listener(world)
        await again.connect(from_=moved_on)
        await until(lambda: again.texts() == ["mine"])


async def test_a_workspace_that_cannot_be_read_for_a_while_is_told_whole_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigdep.gateway.live.room.RETRY_SECONDS", 0.05)
    ada = Listener(world)
    async with world.open():
        await ada.connect()
        await world.write("a")
        await until(lambda: ada.texts() == ["a"])
        read = world.feed.read

        async def away(*_: Any) -> Any:
            raise Unavailable("Away.")

        monkeypatch.setattr(world.feed, "read", away)
        await world.write("b", "c")
        await asyncio.sleep(0.2)
        monkeypatch.setattr(world.feed, "read", read)
        await until(lambda: ada.texts() == ["a", "b", "c"])


async def test_who_is_at_another_gateway_is_told_too_and_who_vanished_there_is_told_to_be_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigdep.gateway.live.room.PRESENCE_LOOK_SECONDS", 0.5)
    monkeypatch.setattr("sigdep.gateway.live.room.PRESENCE_SECONDS", 0.1)
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 0.05)
    presence, eve = LocalPresence(), UserId(UUID(int=77))
    ada = Listener(world)
    async with world.open(presence):
        await ada.connect(presence=True)
        await until(lambda: ada.of_kind("present"))
        presence.enter(WORKSPACE, eve)
        await until(lambda: ada.of_kind("present")[-1]["count"] == 2)
        assert ada.of_kind("present")[-1]["user_ids"] == [str(USER), str(eve)]
        told = len(ada.of_kind("present"))
        await asyncio.sleep(1.2)
        assert len(ada.of_kind("present")) == told, "What has not changed is told once."
        del presence._here[WORKSPACE][eve]  # Without a notice.
        await until(lambda: ada.of_kind("present")[-1]["count"] == 1)


async def test_when_nobody_listens_any_more_nothing_is_left(world: World) -> None:
    ada = Listener(world)
    async with world.open() as hub:
        for _ in range(3):
            await ada.connect()
            await until(lambda: hub.counts.subscriptions == 1)
            ada.cut()
        assert (hub.counts.connections, hub.counts.subscriptions, hub.counts.workspaces) == (0, 0, 0)


def test_every_reason_fits_into_a_close_frame() -> None:
    assert all(len(reason.encode()) <= 123 for reason in REASONS.values())
    assert len({code.value for code in Close}) == len(Close)

"""Signing in, refreshing, signing out; and what thieves meet."""

import asyncio
from typing import Any

import pytest

from sigdep.kernel.errors import NotFound, Refused, Unauthenticated
from sigdep.users.commands.requests import (
    ChangeAccount,
    ExchangeRefreshToken,
    IssueToken,
    RevokeRefreshToken,
    SignIn,
    SignOut,
)
from sigdep.users.credentials.passwords import Passwords, PasswordsBusy
from sigdep.users.credentials.throttle import GUESS_SECONDS, GUESSES, TooManyGuesses
from sigdep.users.domain.session import IDLE_MAX, SESSION_MAX
from sigdep.users.queries import ListSessions, SessionTokens
from sigdep.users.service.sessions import InvalidGrant, WrongPassword
from tests.users.world import PASSWORD, World, answer_key, open_world


async def refresh(world: World, tokens: SessionTokens, **more: Any) -> SessionTokens:
    fresh: SessionTokens = await world.write(ExchangeRefreshToken(refresh_token=tokens.refresh_token), **more)
    return fresh


async def assert_over(world: World, tokens: SessionTokens) -> None:
    """Neither of the two is good for anything."""
    with pytest.raises(InvalidGrant):
        await refresh(world, tokens)
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(tokens.access_token, fresh=True)


async def test_signing_in_gives_tokens_that_are_good_at_once(world: World) -> None:
    profile = await world.sign_up()
    tokens = await world.sign_in()
    assert (tokens.token_type, tokens.expires_in) == ("Bearer", 900)
    assert (await world.users.reading.identities.principal(tokens.access_token)).user_id == profile.id


@pytest.mark.parametrize("password", ["wrong password", "", PASSWORD.upper(), PASSWORD + " "])
async def test_a_wrong_password_is_refused(world: World, password: str) -> None:
    await world.sign_up()
    with pytest.raises(WrongPassword):
        await world.sign_in(password=password)


async def test_wrong_passwords_are_counted_also_for_addresses_that_nobody_has(world: World) -> None:
    for name in ("Ada", "Nobody"):
        if name == "Ada":
            await world.sign_up()
        for _ in range(GUESSES):
            with pytest.raises(WrongPassword):
                await world.sign_in(name, "wrong password")
        with pytest.raises(TooManyGuesses):
            await world.sign_in(name)
    world.clock.forward(seconds=GUESS_SECONDS)
    await world.sign_in("Ada")


async def test_the_same_guesses_sent_at_once_are_counted_too(world: World) -> None:
    await world.sign_up()
    guesses = [world.sign_in(password=f"guess {number}") for number in range(3 * GUESSES)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(result, WrongPassword) for result in results) == GUESSES
    assert sum(isinstance(result, TooManyGuesses) for result in results) == 2 * GUESSES


async def test_guesses_from_elsewhere_do_not_lock_the_owner_out(world: World) -> None:
    await world.sign_up()
    for _ in range(GUESSES):
        with pytest.raises(WrongPassword):
            await world.sign_in(password="wrong", address="192.0.2.1")
    await world.sign_in(address="198.51.100.7")


async def test_a_password_that_nobody_had_time_for_does_not_count_as_a_guess() -> None:
    busy = Passwords(memory_kib=64, passes=1, threads=1, waiting_max=0)
    async with open_world(passwords=busy) as world:
        await world.sign_up()
        places, busy._places = busy._places, 0
        for _ in range(2 * GUESSES):
            with pytest.raises(PasswordsBusy):
                await world.sign_in()
        busy._places = places
        await world.sign_in()


async def test_a_server_without_limits_counts_no_guesses() -> None:
    async with open_world(limits=False) as world:
        await world.sign_up()
        for _ in range(2 * GUESSES):
            with pytest.raises(WrongPassword):
                await world.sign_in(password="wrong")
        await world.sign_in()


async def test_a_repeated_sign_in_with_its_key_begins_one_session(world: World) -> None:
    await world.sign_up()
    key = answer_key(None)
    first, again = await world.sign_in(answer_key=key), await world.sign_in(answer_key=key)
    assert first.refresh_token == again.refresh_token
    ada = await world.users.reading.identities.principal(first.access_token)
    assert len((await world.read(ListSessions(limit=50), ada)).items) == 1


async def test_an_old_hash_is_made_anew_when_its_owner_signs_in(world: World) -> None:
    profile = await world.sign_up()
    tokens = await world.sign_in()
    stronger = Passwords(memory_kib=128, passes=1, threads=1)
    world.users.writing.write._handlers[SignIn].__self__._around.passwords = stronger
    await world.sign_in()
    history = (await world.store.read(f"user-{profile.id}")).events  # type: ignore[arg-type]
    assert [recorded.type for recorded in history] == ["UserRegistered", "PasswordRehashed"]
    await world.sign_in()
    assert len((await world.store.read(f"user-{profile.id}")).events) == 2  # type: ignore[arg-type]
    await refresh(world, tokens)
    stronger.close()


async def test_a_refresh_token_is_exchanged_for_the_next_one(world: World) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    for _ in range(3):
        world.clock.forward(minutes=15)
        following = await refresh(world, tokens)
        assert following.refresh_token != tokens.refresh_token
        assert following.access_token != tokens.access_token
        await world.users.reading.identities.principal(following.access_token)
        tokens = following


async def test_a_lost_answer_is_given_again(world: World) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    first = await refresh(world, tokens)
    world.clock.forward(seconds=10)
    assert (await refresh(world, tokens)).refresh_token == first.refresh_token
    await refresh(world, first)


async def test_two_tabs_that_refresh_at_once_get_the_same_token(world: World) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    answers = await asyncio.gather(*(refresh(world, tokens) for _ in range(8)))
    assert len({answer.refresh_token for answer in answers}) == 1
    await refresh(world, answers[0])


async def test_a_stolen_token_that_is_used_after_its_owner_has_ends_the_session_for_both(world: World) -> None:
    await world.sign_up()
    stolen = await world.sign_in()
    owners = await refresh(world, stolen)
    world.clock.forward(seconds=11)
    await assert_over(world, stolen)
    await assert_over(world, owners)


async def test_a_thief_who_comes_first_loses_the_session_when_its_owner_comes(world: World) -> None:
    await world.sign_up()
    owners = await world.sign_in()
    thiefs = await refresh(world, await refresh(world, owners))
    with pytest.raises(InvalidGrant):
        await refresh(world, owners)
    await assert_over(world, thiefs)


async def test_a_session_that_is_over_does_not_touch_another(world: World) -> None:
    await world.sign_up()
    stolen, other = await world.sign_in(), await world.sign_in()
    await refresh(world, await refresh(world, stolen))
    await assert_over(world, stolen)
    await refresh(world, other)


@pytest.mark.parametrize("text", ["", "sigdep_refresh_", "x" * 500, "sigdep_refresh_" + "0" * 70, "ü"])
async def test_a_made_up_refresh_token_is_refused(world: World, text: str) -> None:
    with pytest.raises(InvalidGrant):
        await world.write(ExchangeRefreshToken(refresh_token=text))


async def test_an_access_token_is_no_refresh_token(world: World) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    with pytest.raises(InvalidGrant):
        await world.write(ExchangeRefreshToken(refresh_token=tokens.access_token))


async def test_signing_out_ends_the_session(world: World) -> None:
    await world.sign_up()
    tokens, other = await world.sign_in(), await world.sign_in()
    ada = await world.users.reading.identities.principal(tokens.access_token)
    await world.write(SignOut(), ada)
    await assert_over(world, tokens)
    await world.write(SignOut(), ada)  # Twice is once.
    await refresh(world, other)


async def test_one_signs_out_elsewhere_by_id_and_never_others(world: World) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    elsewhere = await world.sign_in("Ada")
    sessions = (await world.read(ListSessions(limit=50), ada)).items
    (other,) = [session.id for session in sessions if not session.current]
    with pytest.raises(NotFound):
        await world.write(SignOut(session_id=other), bob)
    await world.write(SignOut(session_id=other), ada)
    await assert_over(world, elsewhere)
    assert [session.current for session in (await world.read(ListSessions(limit=50), ada)).items] == [True]


async def test_a_token_has_no_session_to_sign_out_of(world: World) -> None:
    ada = await world.enter()
    made = await world.write(IssueToken(name="x", scopes=("profile:write",), expires_at=None), ada)
    with pytest.raises(Refused):
        await world.write(SignOut(), await world.users.reading.identities.principal(made.token))


async def test_revoking_a_refresh_token_ends_its_session(world: World) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    for _ in range(2):
        await world.write(RevokeRefreshToken(token=tokens.refresh_token))
    await assert_over(world, tokens)


@pytest.mark.parametrize("text", ["", "nonsense", "sigdep_refresh_" + "0" * 70])
async def test_revoking_what_never_was_is_no_error(world: World, text: str) -> None:
    await world.write(RevokeRefreshToken(token=text))


@pytest.mark.parametrize("silence", [IDLE_MAX, SESSION_MAX])
async def test_a_session_that_nobody_uses_is_over(world: World, silence: Any) -> None:
    await world.sign_up()
    tokens = await world.sign_in()
    world.clock.at += silence
    await assert_over(world, tokens)


async def test_the_list_of_sessions_shows_the_good_ones_the_last_used_first(world: World) -> None:
    ada = await world.enter()
    world.clock.forward(minutes=1)
    await world.write(SignIn(email="ada@example.com", password=PASSWORD, device="Phone"))
    listed = (await world.read(ListSessions(limit=50), ada)).items
    assert [(session.device, session.current) for session in listed] == [("Phone", False), (None, True)]
    await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), ada)
    assert [session.current for session in (await world.read(ListSessions(limit=50), ada)).items] == [True]


async def test_the_list_of_sessions_leaves_out_those_that_nobody_used_for_long(world: World) -> None:
    await world.sign_up()
    await world.sign_in()
    world.clock.at += IDLE_MAX
    ada = await world.users.reading.identities.principal((await world.sign_in()).access_token)
    assert [session.current for session in (await world.read(ListSessions(limit=50), ada)).items] == [True]


async def test_a_changed_password_ends_refreshing_too(world: World) -> None:
    ada = await world.enter()
    other = await world.sign_in()
    await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), ada)
    await assert_over(world, other)


async def test_no_secret_is_in_the_log(world: World) -> None:
    ada = await world.enter()
    tokens = await world.sign_in()
    made = await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), ada)
    everything = repr(await world.store.read_all({}))
    assert "UserRegistered" in everything
    for secret in (tokens.refresh_token, tokens.access_token, made.token, PASSWORD):
        assert secret not in everything

"""Personal access tokens, from making to revoking."""

from datetime import timedelta

import pytest

from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Refused, Unauthenticated, Unavailable
from sigdep.rpc.call import Principal
from sigdep.users.commands.requests import IssueToken, WithdrawToken
from sigdep.users.queries import ListTokens, NewToken
from sigdep.users.service import tokens
from sigdep.users.service.token_uses import PRECISION_SECONDS
from tests.users.people import identity
from tests.users.world import World, answer_key

READ = IssueToken(name="backup", scopes=("tasks:read",), expires_at=None)


async def make(world: World, ada: Principal, wish: IssueToken = READ) -> NewToken:
    made: NewToken = await world.write(wish, ada)
    return made


async def test_a_token_is_good_for_its_scopes_at_once(world: World) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    principal = await world.users.reading.identities.principal(made.token)
    assert (principal.user_id, principal.credential, principal.credential_id) == (ada.user_id, "token", made.id)
    assert principal.scopes == frozenset(("tasks:read",))
    assert principal.roles == ada.roles


async def test_the_secret_is_shown_once(world: World) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    (listed,) = (await world.read(ListTokens(limit=50), ada)).items
    assert not hasattr(listed, "token")
    assert (listed.id, listed.name, listed.scopes) == (made.id, "backup", ("tasks:read",))
    assert made.token.endswith(listed.ending)
    assert len(listed.ending) == 4


async def test_a_repeat_with_its_key_answers_the_same_secret_and_makes_one_token(world: World) -> None:
    ada = await world.enter()
    key = answer_key(ada)
    assert await world.write(READ, ada, answer_key=key) == await world.write(READ, ada, answer_key=key)
    assert len((await world.read(ListTokens(limit=50), ada)).items) == 1


async def test_a_token_expires(world: World) -> None:
    ada = await world.enter()
    wish = IssueToken(name="x", scopes=("tasks:read",), expires_at=world.clock.at + timedelta(minutes=1))
    made = await make(world, ada, wish)
    world.clock.forward(seconds=59)
    await world.users.reading.identities.principal(made.token)
    world.clock.forward(seconds=1)
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(made.token)


async def test_a_token_must_expire_in_the_future(world: World) -> None:
    ada = await world.enter()
    with pytest.raises(Invalid):
        await make(world, ada, IssueToken(name="x", scopes=("tasks:read",), expires_at=world.clock.at))


async def test_a_revoked_token_is_good_for_nothing(world: World) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    await world.users.reading.identities.principal(made.token)
    for _ in range(2):
        await world.write(WithdrawToken(token_id=made.id), ada)
    await world.caught_up()
    world.clock.forward(seconds=1)
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(made.token)
    assert (await world.read(ListTokens(limit=50), ada)).items == []


async def test_nobody_revokes_the_token_of_another(world: World) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    made = await make(world, ada)
    with pytest.raises(NotFound):
        await world.write(WithdrawToken(token_id=made.id), bob)
    await world.users.reading.identities.principal(made.token)


async def test_nobody_takes_the_id_of_anothers_token(world: World) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    wish = IssueToken(name="x", scopes=("tasks:read",), expires_at=None, token_id=identity(9))  # type: ignore[arg-type]
    mine = await make(world, ada, wish)
    with pytest.raises(Refused):
        await make(world, bob, wish)
    assert (await world.users.reading.identities.principal(mine.token)).user_id == ada.user_id


async def test_a_token_makes_no_token_that_may_do_more_than_itself(world: World) -> None:
    ada = await world.enter()
    wish = IssueToken(name="x", scopes=("profile:write", "tasks:read"), expires_at=None)
    by_token = await world.users.reading.identities.principal((await make(world, ada, wish)).token)
    await make(world, by_token, READ)
    with pytest.raises(Forbidden):
        await make(world, by_token, IssueToken(name="x", scopes=("tasks:write",), expires_at=None))


async def test_one_person_has_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "TOKENS_MAX", 1)
    ada = await world.enter()
    made = await make(world, ada)
    await world.caught_up()
    with pytest.raises(Refused):
        await make(world, ada)
    await world.write(WithdrawToken(token_id=made.id), ada)
    await world.caught_up()
    await make(world, ada)


async def test_the_last_use_is_known_to_the_minute_and_outlives_the_process(world: World) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    assert (await world.read(ListTokens(limit=50), ada)).items[0].last_used_at is None
    await world.users.reading.identities.principal(made.token)
    first = world.clock.at
    world.clock.forward(seconds=PRECISION_SECONDS - 1)
    await world.users.reading.identities.principal(made.token)
    assert (await world.read(ListTokens(limit=50), ada)).items[0].last_used_at == first
    world.clock.forward(seconds=1)
    await world.users.reading.identities.principal(made.token)
    await world.users.reading.token_uses.save()
    world.users.reading.token_uses._unsaved.clear()
    assert (await world.read(ListTokens(limit=50), ada)).items[0].last_used_at == world.clock.at


async def test_a_last_use_that_could_not_be_saved_is_saved_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    await world.users.reading.identities.principal(made.token)

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("The database is away.")

    with monkeypatch.context() as patch:
        patch.setattr(world.views, "commit", away)
        with pytest.raises(Unavailable):
            await world.users.reading.token_uses.save()
    await world.users.reading.token_uses.save()
    assert world.users.reading.token_uses._unsaved == {}
    assert await world.users.reading.token_uses.last_used([made.id]) == {made.id: world.clock.at}


async def test_using_a_token_writes_nothing_into_the_log(world: World) -> None:
    ada = await world.enter()
    made = await make(world, ada)
    heads = dict(await world.store.heads())
    await world.users.reading.identities.principal(made.token)
    await world.users.reading.token_uses.save()
    assert await world.store.heads() == heads


async def test_lists_come_in_pages(world: World) -> None:
    ada = await world.enter()
    for number in range(5):
        world.clock.forward(seconds=1)
        await make(world, ada, IssueToken(name=f"{number}", scopes=("tasks:read",), expires_at=None))
    names, cursor = [], None
    while True:
        page = await world.read(ListTokens(limit=2, cursor=cursor), ada)
        names += [token.name for token in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert names == ["4", "3", "2", "1", "0"]
    bob = await world.enter("Bob")
    first = await world.read(ListTokens(limit=2), ada)
    for broken in ("x", first.next_cursor + "A", ""):
        with pytest.raises(Invalid):
            await world.read(ListTokens(limit=2, cursor=broken), ada)
    with pytest.raises(Invalid):
        await world.read(ListTokens(limit=2, cursor=first.next_cursor), bob)

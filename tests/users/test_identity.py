"""Who presents a credential: quick when nothing has happened, right within a second when something has."""

import asyncio
import time
from typing import Any

import pytest

from sigdep.kernel.errors import Unauthenticated
from sigdep.rpc.call import Principal
from sigdep.services.secret_files import signing_key
from sigdep.users import identity as module
from sigdep.users.commands.requests import ChangeAccount, IssueToken, OpenWorkspace, SignOut, WithdrawToken
from sigdep.users.commands.workspaces import RemoveMember
from sigdep.users.credentials.signing import AccessTokens, SigningKeys
from sigdep.users.events.people import SessionId
from sigdep.users.identity import VERIFIED_SECONDS
from sigdep.users.service.confirming import GOOD_SECONDS
from sigdep.users.service.reading import Reads
from tests.users.people import identity
from tests.users.world import ISSUER, PASSWORD, World


@pytest.fixture
def looks(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that were looked into, in order."""
    seen: list[str] = []
    get = world.views.get

    async def noting(model: Any, table: Any, key: Any, columns: Any = None) -> Any:
        seen.append(table.name)
        return await get(model, table, key, columns)

    monkeypatch.setattr(world.views, "get", noting)
    return seen


async def signed_in(world: World) -> tuple[str, Principal]:
    await world.sign_up()
    bearer = (await world.sign_in()).access_token
    principal = await world.users.reading.identities.principal(bearer)
    await world.caught_up()
    return bearer, principal


async def test_a_credential_that_was_good_a_moment_ago_is_not_looked_up(world: World, looks: list[str]) -> None:
    bearer, principal = await signed_in(world)
    looks.clear()
    for _ in range(100):
        assert await world.users.reading.identities.principal(bearer) is principal
    assert looks == []


async def test_it_is_not_looked_up_later_either_while_nothing_happens(world: World, looks: list[str]) -> None:
    bearer, _ = await signed_in(world)
    await world.users.reading.identities.principal(bearer, fresh=True)
    looks.clear()
    for _ in range(10):
        world.clock.forward(seconds=GOOD_SECONDS)
        await world.users.reading.identities.principal(bearer)
    assert looks == []


async def test_after_a_notice_it_is_looked_up_even_where_nothing_is_seen_to_have_happened(
    world: World, looks: list[str]
) -> None:
    """As in a replica that does not project: it looks how far the rows are a moment after they changed."""
    bearer, principal = await signed_in(world)
    await world.users.reading.identities.principal(bearer, fresh=True)
    for suspects in ([principal.user_id], None):
        world.clock.forward(seconds=0.01)
        world.users.reading.identities.forget(suspects)
        world.clock.forward(seconds=0.01)
        looks.clear()
        for _ in range(5):
            await world.users.reading.identities.principal(bearer)
        assert looks == ["people", "sessions"]
    world.users.reading.identities.forget([identity(77)])  # type: ignore[list-item]  # Somebody else.
    looks.clear()
    await world.users.reading.identities.principal(bearer)
    assert looks == []


async def test_it_is_looked_up_once_when_something_has_happened_however_many_ask(
    world: World, looks: list[str]
) -> None:
    bearer, principal = await signed_in(world)
    await world.write(OpenWorkspace(name="Team"), principal)
    await world.caught_up()
    world.clock.forward(seconds=GOOD_SECONDS)
    looks.clear()
    found = await asyncio.gather(*(world.users.reading.identities.principal(bearer) for _ in range(50)))
    assert looks == ["people", "sessions"]
    assert {len(one.roles) for one in found} == {2}


async def test_the_signature_is_verified_again_after_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bearer, principal = await signed_in(world)
    verified: list[str] = []
    verify = AccessTokens.verify

    def noting(self: AccessTokens, token: str, *, now: float) -> Any:
        verified.append(token)
        return verify(self, token, now=now)

    monkeypatch.setattr(AccessTokens, "verify", noting)
    await world.write(ChangeAccount(name="A"), principal)
    await world.caught_up()
    world.clock.forward(seconds=VERIFIED_SECONDS - 1)
    await world.users.reading.identities.principal(bearer)
    assert verified == []
    world.clock.forward(seconds=1)
    await world.users.reading.identities.principal(bearer)
    assert verified == [bearer]


async def test_a_token_is_refused_in_the_second_in_which_it_expires_though_it_is_remembered(world: World) -> None:
    bearer, _ = await signed_in(world)
    world.clock.forward(seconds=899.9)
    await world.users.reading.identities.principal(bearer)
    world.clock.forward(seconds=0.1)
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(bearer)


async def test_a_revocation_takes_effect_within_a_second(world: World) -> None:
    bearer, principal = await signed_in(world)
    made = await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), principal)
    await world.users.reading.identities.principal(made.token)
    await world.write(WithdrawToken(token_id=made.id), principal)
    await world.write(SignOut(), principal)
    await world.caught_up()
    world.clock.forward(seconds=GOOD_SECONDS)
    for credential in (bearer, made.token):
        with pytest.raises(Unauthenticated):
            await world.users.reading.identities.principal(credential)
    assert GOOD_SECONDS < 1


async def test_a_removal_takes_effect_within_a_second(world: World) -> None:
    bearer, ada = await signed_in(world)
    place, people = await world.team(ada, Bob="admin")
    bobs = (await world.sign_in("Bob")).access_token
    assert (await world.users.reading.identities.principal(bobs)).roles[place] == "admin"
    bob = people["Bob"].user_id
    await world.write(RemoveMember(workspace_id=place, user_id=bob, by=ada.user_id, at=world.clock.at), ada)
    await world.caught_up()
    world.clock.forward(seconds=GOOD_SECONDS)
    assert place not in (await world.users.reading.identities.principal(bobs)).roles
    assert (await world.users.reading.identities.principal(bearer)).roles[place] == "owner"


async def test_what_happens_while_it_is_looked_up_is_seen_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bearer, ada = await signed_in(world)
    await world.write(OpenWorkspace(name="Before"), ada)
    await world.caught_up()
    world.clock.forward(seconds=GOOD_SECONDS)
    roles_of = Reads.roles_of

    async def overtaken(reads: Reads, user_id: Any) -> Any:
        roles = await roles_of(reads, user_id)
        monkeypatch.setattr(Reads, "roles_of", roles_of)
        await world.write(OpenWorkspace(name="Meanwhile"), ada)
        await world.caught_up()
        return roles

    monkeypatch.setattr(Reads, "roles_of", overtaken)
    assert len((await world.users.reading.identities.principal(bearer)).roles) == 2
    world.clock.forward(seconds=GOOD_SECONDS)
    assert len((await world.users.reading.identities.principal(bearer)).roles) == 3


async def test_asked_afresh_it_knows_a_workspace_that_was_made_a_moment_ago(world: World) -> None:
    bearer, ada = await signed_in(world)
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    assert opened.id not in (await world.users.reading.identities.principal(bearer)).roles
    assert (await world.users.reading.identities.principal(bearer, fresh=True)).roles[opened.id] == "owner"
    assert (await world.users.reading.identities.principal(bearer)).roles[opened.id] == "owner"


async def test_a_session_that_began_a_moment_ago_is_known(world: World) -> None:
    await world.sign_up()
    for _ in range(20):
        tokens = await world.sign_in()
        await world.users.reading.identities.principal(tokens.access_token)


async def test_failures_are_not_remembered(world: World) -> None:
    bearer, _ = await signed_in(world)
    for number in range(50):
        with pytest.raises(Unauthenticated):
            await world.users.reading.identities.principal(f"{bearer}{number}")
    assert list(world.users.reading.identities._known) == [bearer]
    assert world.users.reading.identities._asking == {}


async def test_only_the_last_used_credentials_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_MAX", 2)
    await world.sign_up()
    first, second, third = [(await world.sign_in()).access_token for _ in range(3)]
    for bearer in (first, second, first, third):
        await world.users.reading.identities.principal(bearer)
    assert list(world.users.reading.identities._known) == [first, third]


@pytest.mark.parametrize(
    "bearer",
    ["", "x", "a.b.c", "sigdep_", "sigdep_" + "0" * 49, "sigdep_refresh_" + "0" * 70, "é" * 40, "\x00", "." * 4096],
    ids=lambda text: text[:20],
)
async def test_garbage_is_refused(world: World, bearer: str) -> None:
    for fresh in (False, True):
        with pytest.raises(Unauthenticated):
            await world.users.reading.identities.principal(bearer, fresh=fresh)


async def test_a_refresh_token_is_no_credential(world: World) -> None:
    await world.sign_up()
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal((await world.sign_in()).refresh_token)


async def test_a_token_that_was_never_made_is_refused(world: World) -> None:
    ada = await world.enter()
    made_up = world.users.writing.write._handlers[IssueToken].__self__._around.opaque.access_token(
        ada.user_id, identity(8)
    )
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(made_up)


async def test_a_genuine_token_of_another_server_is_refused(world: World) -> None:
    _, principal = await signed_in(world)
    assert principal.credential_id is not None
    for keys, issuer in ((SigningKeys(signing_key()), ISSUER), (_keys(world), "https://other.example.com")):
        other = AccessTokens(keys, issuer=issuer)
        session_id = SessionId(principal.credential_id)
        forged = other.sign(principal.user_id, session_id, token_id=identity(1), at=world.clock.at)
        with pytest.raises(Unauthenticated):
            await world.users.reading.identities.principal(forged)


def _keys(world: World) -> SigningKeys:
    return world.users.reading.identities._access_tokens.keys


async def test_a_session_of_another_person_is_refused(world: World) -> None:
    """As a key that leaked could sign it: the session must be that person's own."""
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    tokens = world.users.reading.identities._access_tokens
    crossed = tokens.sign(ada.user_id, bob.credential_id, token_id=identity(1), at=world.clock.at)  # type: ignore[arg-type]
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(crossed)


async def test_changing_the_password_keeps_the_session_that_did_it(world: World) -> None:
    bearer, ada = await signed_in(world)
    await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), ada)
    assert (await world.users.reading.identities.principal(bearer, fresh=True)).user_id == ada.user_id


async def test_many_who_wait_hear_of_one_failure_and_nobody_hangs(world: World) -> None:
    await world.sign_up()
    bearer = (await world.sign_in()).access_token + "x"
    results = await asyncio.gather(
        *(world.users.reading.identities.principal(bearer) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(result, Unauthenticated) for result in results)


async def test_who_gives_up_takes_nobody_along(world: World) -> None:
    await world.sign_up()
    bearer = (await world.sign_in()).access_token
    impatient = asyncio.ensure_future(world.users.reading.identities.principal(bearer))
    patient = asyncio.ensure_future(world.users.reading.identities.principal(bearer))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).credential == "session"


async def test_a_known_credential_costs_a_few_microseconds(world: World) -> None:
    bearer, _ = await signed_in(world)
    best = min([await _microseconds(world, bearer) for _ in range(5)])
    assert best < 5


async def _microseconds(world: World, bearer: str) -> float:
    identities, times = world.users.reading.identities, 2_000
    identities._steady = time.monotonic
    await identities.principal(bearer)
    start = time.perf_counter()
    for _ in range(times):
        await identities.principal(bearer)
    return (time.perf_counter() - start) / times * 1e6

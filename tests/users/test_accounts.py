"""Signing up, one's own profile, address and password."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from sigdep.kernel.errors import Forbidden, Invalid, KeyReused, Refused, Stale, Unauthenticated
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import UNSET
from sigdep.users.commands.requests import ChangeAccount, EraseAccount, IssueToken, KeepAccount, OpenWorkspace, SignIn
from sigdep.users.credentials.throttle import GUESSES, TooManyGuesses
from sigdep.users.domain.email import EmailTaken
from sigdep.users.domain.realm import REALM, SYSTEM
from sigdep.users.domain.user import ErasurePending
from sigdep.users.queries import GetProfile, ListWorkspaces
from sigdep.users.service.accounts import OwnerlessWorkspaces
from sigdep.users.service.sessions import WrongPassword
from sigdep.users.service.surroundings import IdTaken
from tests.users.people import identity
from tests.users.world import GRACE, PASSWORD, World, answer_key, sign_up


async def test_who_registers_has_a_profile_and_a_personal_workspace(world: World) -> None:
    profile = await world.sign_up()
    ada = await world.users.reading.identities.principal((await world.sign_in()).access_token)
    assert await world.read(GetProfile(), ada) == profile
    (home,) = (await world.read(ListWorkspaces(limit=50), ada)).items
    assert (home.id, home.personal, home.role) == (profile.personal_workspace_id, True, "owner")
    assert ada.personal_workspace_id == home.id


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "\uff41da@example.com"])
async def test_an_address_registers_once_in_whatever_spelling(world: World, email: str) -> None:
    await world.sign_up()
    with pytest.raises(EmailTaken):
        await world.write(sign_up(email=email))


async def test_of_two_who_register_one_address_at_once_one_wins(world: World) -> None:
    results = await asyncio.gather(*(world.write(sign_up()) for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert sum(isinstance(result, EmailTaken) for result in results) == 7


async def test_a_repeated_registration_with_its_key_answers_the_same_and_registers_once(world: World) -> None:
    key = answer_key(None)
    first = await world.write(sign_up(), answer_key=key)
    assert await world.write(sign_up(), answer_key=key) == first
    with pytest.raises(KeyReused):
        await world.write(sign_up("Bob"), answer_key=answer_key(None, request=b"another"))


async def test_a_dry_run_registers_nobody(world: World) -> None:
    await world.write(sign_up(), dry_run=True)
    assert await world.store.heads() == {}


@pytest.mark.parametrize(
    "password", ["seven77", "", "x" * 1025, "ada@example.com", "ADA@example.com"], ids=lambda text: text[:20]
)
async def test_a_bad_password_is_refused(world: World, password: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.write(sign_up(password=password))
    assert refused.value.faults[0].pointer == "/password"


@pytest.mark.parametrize("password", ["eight888", "x" * 1024, "пароль-密码-🔑🔑"], ids=lambda text: text[:20])
async def test_any_other_password_is_fine(world: World, password: str) -> None:
    await world.write(sign_up(password=password))
    await world.sign_in(password=password)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@exa mple.com", ".a@b.c", "a..b@c.d", "a@b..c",
     "a@-b.c", "a@b.c.", " a@b.c", "a@b.c\n", "a@b\uff0e\uff0ec", "a\n@b.c", '"a"@b.c', "a@[127.0.0.1]",
     "x" * 65 + "@example.com", "a@" + "x" * 260 + ".com"],
    ids=lambda text: text[:20],
)  # fmt: skip
async def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.write(sign_up(email=email))
    assert refused.value.faults[0].pointer == "/email"


@pytest.mark.parametrize("email", ["root@localhost", "a+b@sub.example.co.uk", "ö@bücher.example", "o'neil@x-y.org"])
async def test_unusual_addresses_are_addresses(world: World, email: str) -> None:
    assert (await world.write(sign_up(email=email))).email == email


@pytest.mark.parametrize(
    "field, value",
    [("name", " "), ("name", "x" * 201), ("name", "a\nb"), ("name", "a\x00b"), ("time_zone", "Mars/Olympus"),
     ("time_zone", "../../etc/passwd"), ("time_zone", "Europe"), ("locale", "english language"), ("locale", "en\n")],
)  # fmt: skip
async def test_a_bad_profile_is_refused(world: World, field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.write(replace(sign_up(), **{field: value}))
    assert refused.value.faults[0].pointer == f"/{field}"


@pytest.mark.parametrize("reserved", [REALM, SYSTEM])
async def test_an_id_that_seals_for_others_is_given_to_nobody(world: World, reserved: object) -> None:
    with pytest.raises(IdTaken):
        await world.write(sign_up(user_id=reserved))
    ada = await world.enter()
    with pytest.raises(IdTaken):
        await world.write(OpenWorkspace(name="Trap", workspace_id=reserved), ada)  # type: ignore[arg-type]


async def test_a_workspace_with_a_persons_id_would_be_erased_with_them_and_is_refused(world: World) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    with pytest.raises(IdTaken):
        await world.write(OpenWorkspace(name="Trap", workspace_id=ada.user_id), bob)  # type: ignore[arg-type]
    with pytest.raises(IdTaken):
        await world.write(sign_up("Eve", user_id=ada.personal_workspace_id))
    with pytest.raises(Refused):
        await world.write(sign_up("Eve", user_id=ada.user_id))


async def test_a_client_may_choose_the_id(world: World) -> None:
    chosen = identity(77)
    assert (await world.write(sign_up(user_id=chosen))).id == chosen


async def test_an_edit_changes_what_it_names_and_nothing_else(world: World) -> None:
    ada = await world.enter()
    edited = await world.write(ChangeAccount(time_zone="Europe/Berlin"), ada)
    assert (edited.name, edited.time_zone, edited.locale) == ("Ada", "Europe/Berlin", "en")
    assert await world.read(GetProfile(), ada) == edited


async def test_a_stale_edit_is_turned_away(world: World) -> None:
    ada = await world.enter()
    first = await world.write(ChangeAccount(name="A"), ada, if_match=Version(1))
    with pytest.raises(Stale):
        await world.write(ChangeAccount(name="B"), ada, if_match=Version(1))
    assert (await world.write(ChangeAccount(name="C"), ada, if_match=Version(first.version))).name == "C"


async def test_two_edits_of_different_fields_at_once_lose_neither(world: World) -> None:
    ada = await world.enter()
    edits = [ChangeAccount(name="Countess"), ChangeAccount(locale="en-GB"), ChangeAccount(time_zone="Europe/London")]
    await asyncio.gather(*(world.write(edit, ada) for edit in edits))
    profile = await world.read(GetProfile(), ada)
    assert (profile.name, profile.locale, profile.time_zone) == ("Countess", "en-GB", "Europe/London")


async def test_a_new_address_needs_the_present_password(world: World) -> None:
    ada = await world.enter()
    for wrong in (UNSET, "not the password"):
        with pytest.raises(Invalid) as refused:
            await world.write(ChangeAccount(email="new@example.com", current_password=wrong), ada)
        assert refused.value.faults[0].pointer == "/current_password"


async def test_a_new_address_is_the_one_to_sign_in_with_and_frees_the_old_one(world: World) -> None:
    ada = await world.enter()
    changed = await world.write(ChangeAccount(email="new@example.com", current_password=PASSWORD), ada)
    assert changed.email == "new@example.com"
    await world.sign_in("new")
    with pytest.raises(WrongPassword):
        await world.sign_in("ada")
    await world.sign_up("Ada")  # Somebody else.


async def test_the_same_address_in_another_spelling_is_shown_as_it_is_written(world: World) -> None:
    ada = await world.enter()
    changed = await world.write(ChangeAccount(email="ADA@Example.com", current_password=PASSWORD), ada)
    assert changed.email == "ADA@Example.com"
    await world.sign_in("ada")


async def test_the_address_of_another_is_refused(world: World) -> None:
    ada = await world.enter()
    await world.sign_up("Bob")
    with pytest.raises(EmailTaken):
        await world.write(ChangeAccount(email="bob@example.com", current_password=PASSWORD), ada)
    await world.sign_in("Ada")


async def test_a_new_password_replaces_the_old_one_and_ends_the_other_sessions(world: World) -> None:
    ada = await world.enter()
    other = await world.sign_in()
    await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), ada)
    with pytest.raises(WrongPassword):
        await world.sign_in()
    await world.sign_in(password="a new password")
    with pytest.raises(Unauthenticated):
        await world.users.reading.identities.principal(other.access_token)


async def test_a_new_password_is_held_to_the_same_rules(world: World) -> None:
    ada = await world.enter()
    for bad in ("short", "ada@example.com"):
        with pytest.raises(Invalid):
            await world.write(ChangeAccount(password=bad, current_password=PASSWORD), ada)


async def test_the_present_password_cannot_be_guessed_by_who_found_the_screen_unlocked(world: World) -> None:
    ada = await world.enter()
    for _ in range(GUESSES):
        with pytest.raises(Invalid):
            await world.write(ChangeAccount(password="a new password", current_password="guess"), ada)
    with pytest.raises(TooManyGuesses):
        await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), ada)


async def test_of_two_who_change_the_password_at_once_one_must_know_the_new_one(world: World) -> None:
    ada = await world.enter()
    changes = [ChangeAccount(password=f"new password {n}", current_password=PASSWORD) for n in (1, 2)]
    results = await asyncio.gather(*(world.write(change, ada) for change in changes), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Profile", "Refused"]


async def test_who_asks_to_be_erased_while_they_create_a_workspace_creates_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.enter()
    append = world.store.append

    async def overtaken(wanted: Any) -> Any:
        monkeypatch.setattr(world.store, "append", append)
        await world.write(EraseAccount(), ada)
        return await append(wanted)

    monkeypatch.setattr(world.store, "append", overtaken)
    with pytest.raises(ErasurePending):
        await world.write(OpenWorkspace(name="Too late"), ada)


async def test_an_erasure_can_be_taken_back(world: World) -> None:
    ada = await world.enter()
    requested = await world.write(EraseAccount(), ada)
    assert requested.erased_at == world.clock.at + GRACE
    assert (await world.read(GetProfile(), ada)).erased_at == requested.erased_at
    assert (await world.write(KeepAccount(), ada)).erased_at is None
    assert (await world.read(GetProfile(), ada)).erased_at is None


async def test_a_token_is_not_enough_to_erase_an_account(world: World) -> None:
    ada = await world.enter()
    made = await world.write(IssueToken(name="x", scopes=("profile:write",), expires_at=None), ada)
    by_token = await world.users.reading.identities.principal(made.token)
    with pytest.raises(Forbidden):
        await world.write(EraseAccount(), by_token)


async def test_who_leaves_others_without_an_owner_is_told_where(world: World) -> None:
    ada = await world.enter()
    await world.team(ada, Bob="member")
    with pytest.raises(OwnerlessWorkspaces, match="'Team'"):
        await world.write(EraseAccount(), ada)
    assert (await world.read(GetProfile(), ada)).erased_at is None


async def test_who_is_about_to_be_erased_begins_nothing_new(world: World) -> None:
    ada = await world.enter()
    await world.write(EraseAccount(), ada)
    with pytest.raises(ErasurePending):
        await world.write(OpenWorkspace(name="New"), ada)
    with pytest.raises(ErasurePending):
        await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), ada)


async def test_nobody_learns_whether_an_account_exists(world: World) -> None:
    await world.sign_up()
    refusals = []
    for email in ("ada@example.com", "nobody@example.com", "no address"):
        with pytest.raises(WrongPassword) as refused:
            await world.write(SignIn(email=email, password="wrong password"))
        refusals.append(refused.value.detail)
    assert len(set(refusals)) == 1

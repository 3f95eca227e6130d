"""When somebody is erased, nobody can find out who they were; and everything else goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts import events as public
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import NotFound, SigdepError, Unauthenticated
from sigdep.kernel.ids import PARTITIONS, Partition, SubjectId
from sigdep.kernel.projection import apply
from sigdep.kernel.read_store import All
from sigdep.rpc.call import Principal
from sigdep.services.projector import Projector
from sigdep.users.commands.requests import (
    AnswerInvitation,
    ChangeAccount,
    EraseAccount,
    EraseWorkspace,
    ExchangeRefreshToken,
    Invite,
    IssueToken,
    KeepAccount,
    KeepWorkspace,
    OpenWorkspace,
)
from sigdep.users.commands.workspaces import RemoveMember, RevokeInvitation
from sigdep.users.context import EVENTS, publish, read_model
from sigdep.users.domain.invitations import INVITATIONS_MAX
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.queries import GetProfile, GetWorkspace, ListMembers
from sigdep.users.read_models.credentials import SESSIONS, TOKENS
from sigdep.users.read_models.erasures import ERASURES
from sigdep.users.service.erasure import DUE_MAX, Erasures
from sigdep.users.service.sessions import InvalidGrant, WrongPassword
from tests.users.world import GRACE, PASSWORD, World

ALL = All(())

SECRET_NAME = "Zebediah Quillfeather"
SECRET_EMAIL = "zebediah.quillfeather@example.com"


async def run_due(world: World) -> None:
    report = await world.users.writing.erasures.run_due(world.clock.at)
    assert report.failed == []
    await world.caught_up()


async def erased(world: World, who: Principal) -> None:
    await world.write(EraseAccount(), who)
    world.clock.at += GRACE
    await run_due(world)


def rows_of(world: World) -> str:
    """Every row of every build, as text."""
    return repr([build.__dict__ for build in vars(world.views)["_builds"].values()])


async def everything_readable(world: World) -> str:
    """What the log says to somebody who has all the keys that there are."""
    return repr(await world.store.read_all({}, limit=100_000))


async def test_before_its_time_nothing_is_erased(world: World) -> None:
    ada = await world.enter()
    await world.write(EraseAccount(), ada)
    world.clock.at += GRACE - timedelta(seconds=1)
    await run_due(world)
    assert (await world.read(GetProfile(), ada)).name == "Ada"


async def test_an_erasure_that_was_taken_back_never_happens(world: World) -> None:
    ada = await world.enter()
    await world.write(EraseAccount(), ada)
    await world.write(KeepAccount(), ada)
    world.clock.at += 2 * GRACE
    await run_due(world)
    assert (await world.read(GetProfile(), ada)).name == "Ada"


async def test_neither_log_nor_read_models_nor_a_rebuild_holds_the_person(world: World) -> None:
    ada = await world.enter()
    zeb = await world.enter("zebediah.quillfeather")
    await world.write(ChangeAccount(name=SECRET_NAME), zeb)
    await world.write(IssueToken(name="Zebediah's laptop", scopes=("tasks:read",), expires_at=None), zeb)
    await world.write(OpenWorkspace(name="Quillfeather family"), zeb)
    place, _ = await world.team(ada, Bob="member")
    await world.write(Invite(workspace_id=place, email=SECRET_EMAIL, role="viewer"), ada)
    await world.caught_up()
    for text in (await everything_readable(world), rows_of(world)):
        assert "uillfeather" in text  # Otherwise the test would prove nothing.

    await erased(world, zeb)

    assert "uillfeather" not in repr(world.log)  # The raw bytes: they were sealed all the time.
    for text in (await everything_readable(world), rows_of(world), await rebuilt(world)):
        assert "uillfeather" not in text.lower()
        assert "Zebediah" not in text
        assert "Bob" in text
    assert "uillfeather" not in repr(world.users.writing.write._handlers[EraseAccount].__self__._around.users._cache)


async def rebuilt(world: World) -> str:
    """The rows of a read model that is made anew from the log."""
    views = MemoryReadStore()
    projector = Projector(world.store, views, read_model())
    job = asyncio.create_task(projector.run())
    for partition, position in (await world.store.heads()).items():
        while not projector.is_fit:
            await asyncio.sleep(0)
        await projector.wait_for(partition, position)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    return repr([build.__dict__ for build in vars(views)["_builds"].values()])


async def test_whoever_invited_them_lets_go_of_their_address_too(world: World) -> None:
    ada, zeb = await world.enter("Ada"), await world.enter("zebediah.quillfeather")
    place = await world.write(OpenWorkspace(name="Team"), ada)
    await world.write(EraseAccount(), zeb)
    world.clock.at += GRACE - timedelta(days=1)
    await world.write(Invite(workspace_id=place.id, email=SECRET_EMAIL, role="viewer"), ada)
    world.clock.forward(days=1)
    await run_due(world)
    for text in (await everything_readable(world), rows_of(world), await rebuilt(world)):
        assert "uillfeather" not in text.lower()
    assert await world.views.count(world.projector.model_id, ERASURES, ALL) == 0


async def test_the_rows_that_were_kept_equal_those_of_a_rebuild(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="owner", Cyd="viewer")
    await world.write(Invite(workspace_id=place, email="eve@example.com", role="viewer"), ada)
    await world.write(ChangeAccount(password="a new password", current_password=PASSWORD), people["Bob"])
    await erased(world, people["Bob"])
    views = MemoryReadStore()
    model = read_model()
    build = await views.prepare("users", model.tables, model.fingerprint)
    # In another order than they were projected in: each partition as a whole, the last one first.
    for number in reversed(range(PARTITIONS)):
        batch = [r for r in await world.store.read_all({}, limit=100_000) if r.partition == number]
        if batch:
            await apply(views, build, model, batch, await views.checkpoint(build))
    for table in model.tables:
        kept = vars(world.views)["_builds"][world.projector.model_id].rows[table.name]
        anew = vars(views)["_builds"][build].rows[table.name]
        assert kept == anew


async def test_the_chain_still_verifies(world: World) -> None:
    await erased(world, await world.enter())
    for number in range(PARTITIONS):
        assert not (await world.store.verify(Partition(number))).faults


async def test_nothing_of_theirs_is_good_any_more(world: World) -> None:
    ada = await world.enter()
    tokens = await world.sign_in()
    made = await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), ada)
    await world.users.reading.identities.principal(made.token)
    await world.users.reading.token_uses.save()
    await erased(world, ada)
    for bearer in (tokens.access_token, made.token):
        with pytest.raises(Unauthenticated):
            await world.users.reading.identities.principal(bearer)
    with pytest.raises(InvalidGrant):
        await world.write(ExchangeRefreshToken(refresh_token=tokens.refresh_token))
    with pytest.raises(WrongPassword):
        await world.sign_in()
    with pytest.raises(NotFound):
        await world.write(ChangeAccount(name="Ghost"), ada)
    with pytest.raises(NotFound):
        await world.read(GetProfile(), ada)
    assert await world.users.reading.token_uses.last_used([made.id]) == {}
    around = world.users.writing.write._handlers[EraseAccount].__self__._around
    for repository in (around.sessions, around.tokens):
        assert not any(state.user_id == ada.user_id for state, _ in repository._cache.values())


async def test_their_address_can_register_again_as_somebody_new(world: World) -> None:
    ada = await world.enter()
    await erased(world, ada)
    again = await world.enter()
    assert again.user_id != ada.user_id


async def test_a_shared_workspace_goes_on_without_them(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="owner", Cyd="viewer")
    await erased(world, ada)
    bob = people["Bob"]
    members = (await world.read(ListMembers(workspace_id=place, limit=50), bob)).items
    assert {member.name for member in members} == {"Bob", "Cyd"}


async def test_who_was_made_the_only_owner_while_they_waited_leaves_an_heir(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="owner", Cyd="member")
    await world.write(EraseAccount(), ada)
    bob = people["Bob"]
    await world.write(RemoveMember(workspace_id=place, user_id=bob.user_id, by=bob.user_id, at=world.clock.at), bob)
    world.clock.at += GRACE
    await run_due(world)
    assert (await world.read(GetWorkspace(workspace_id=place), people["Cyd"])).role == "owner"


async def test_a_workspace_of_theirs_alone_goes_with_them_and_others_hear_of_it(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Mine"), ada)
    place, _ = await world.team(ada, Bob="owner")
    await erased(world, ada)
    told = [event for recorded in await world.store.read_all({}, limit=100_000) if (event := publish(recorded))]
    assert {event.type for event in told} == {
        "sigdep.users.MemberRemoved", "sigdep.users.UserErased", "sigdep.users.WorkspaceErased",
    }  # fmt: skip
    facts = [event.data for event in told]
    gone = {fact.workspace_id for fact in facts if isinstance(fact, public.WorkspaceErased)}
    assert gone == {opened.id, ada.personal_workspace_id}
    assert public.UserErased(user_id=ada.user_id, erased_at=world.clock.at) in facts
    assert public.MemberRemoved(workspace_id=place, user_id=ada.user_id, removed_at=world.clock.at) in facts
    for subject in (*gone, ada.user_id):
        assert await world.keys.find([SubjectId(subject)]) == {}
    assert msgspec.json.decode(msgspec.json.encode(told[0]))["type"] == told[0].type


async def test_a_workspace_is_erased_in_its_time(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="member")
    await world.write(EraseWorkspace(workspace_id=place), ada)
    world.clock.at += GRACE - timedelta(days=1)
    invitation = await world.write(Invite(workspace_id=place, email="eve@example.com", role="viewer"), ada)
    world.clock.forward(days=1)
    await run_due(world)
    assert await world.views.count(world.projector.model_id, ERASURES, ALL) == 0
    for query in (GetWorkspace(workspace_id=place), ListMembers(workspace_id=place, limit=5)):
        with pytest.raises(WorkspaceNotFound):
            await world.read(query, ada)
    with pytest.raises(WorkspaceNotFound):
        await world.write(KeepWorkspace(workspace_id=place), ada)
    eve = await world.enter("Eve")
    with pytest.raises(NotFound):
        await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)
    assert await world.keys.find([SubjectId(place), SubjectId(invitation.id)]) == {}
    assert (await world.read(GetProfile(), people["Bob"])).name == "Bob"
    assert "eve@example.com" not in rows_of(world).replace("Eve@example.com", "")


async def test_a_workspace_takes_all_its_invitations_with_it(world: World) -> None:
    ada = await world.enter()
    place = (await world.write(OpenWorkspace(name="Team"), ada)).id
    await world.write(EraseWorkspace(workspace_id=place), ada)
    world.clock.at += GRACE - timedelta(days=1)
    invitations = []
    for number in range(INVITATIONS_MAX + 1):  # All that can wait, and one that is over.
        wish = Invite(workspace_id=place, email=f"quillfeather{number}@example.com", role="viewer")
        invitations.append(await world.write(wish, ada))
        if number == 0:
            revoke = RevokeInvitation(
                workspace_id=place, invitation_id=invitations[0].id, by=ada.user_id, at=world.clock.at
            )
            await world.write(revoke, ada)
    await world.caught_up()
    world.clock.forward(days=1)
    await world.users.writing.erasures.erase_workspace(place, world.clock.at)
    assert await world.keys.find([SubjectId(invitation.id) for invitation in invitations]) == {}
    assert "quillfeather" not in await everything_readable(world)


async def test_everybody_who_invited_them_lets_go_of_their_address(world: World) -> None:
    ada, zeb = await world.enter("Ada"), await world.enter("zebediah.quillfeather")
    await world.write(EraseAccount(), zeb)
    world.clock.at += GRACE - timedelta(days=1)
    for _ in range(DUE_MAX + 1):
        place = await world.write(OpenWorkspace(name="Team"), ada)
        await world.write(Invite(workspace_id=place.id, email=SECRET_EMAIL, role="viewer"), ada)
    world.clock.forward(days=1)
    await run_due(world)
    assert "uillfeather" not in (await everything_readable(world)).lower()


@pytest.mark.parametrize("ending", ["accepted", "declined", "expired"])
async def test_an_invitations_address_is_forgotten_when_it_is_over(world: World, ending: str) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await world.write(Invite(workspace_id=opened.id, email="eve@example.com", role="viewer"), ada)
    if ending == "expired":
        world.clock.forward(days=7)
    else:
        await world.write(AnswerInvitation(token=invitation.token, accept=ending == "accepted"), eve)
    await run_due(world)
    assert await world.keys.find([SubjectId(invitation.id)]) == {}
    assert "eve@example.com" not in await everything_readable(world)
    assert (await world.views.count(world.projector.model_id, ERASURES, ALL)) == 0
    role = (await world.read(GetWorkspace(workspace_id=opened.id), ada)).role
    assert role == "owner"


class Crash(SigdepError):
    """Where the power went."""


def crashing(method: Callable[..., Awaitable[Any]], at_call: int) -> Callable[..., Awaitable[Any]]:
    calls = 0

    async def call(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at_call:
            raise Crash("The power is gone.")
        return await method(*arguments, **named)

    return call


@pytest.mark.parametrize("place", ["destroy", "append"])
@pytest.mark.parametrize("at_call", range(1, 9))
async def test_a_crash_at_any_step_is_made_up_for_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str, at_call: int
) -> None:
    ada = await world.enter()
    shared, people = await world.team(ada, Bob="owner")
    await world.write(OpenWorkspace(name="Mine"), ada)
    await world.write(Invite(workspace_id=shared, email="eve@example.com", role="viewer"), ada)
    await world.write(EraseAccount(), ada)
    world.clock.at += GRACE
    await world.caught_up()
    with monkeypatch.context() as patch:
        patch.setattr(world.keys, "destroy", crashing(world.keys.destroy, at_call if place == "destroy" else 0))
        patch.setattr(world.store, "append", crashing(world.store.append, at_call if place == "append" else 0))
        await world.users.writing.erasures.run_due(world.clock.at)
    fresh = Erasures(_restarted(world), world.users.reading.token_uses)
    assert (await fresh.run_due(world.clock.at)).failed == []
    await world.caught_up()
    assert (await fresh.run_due(world.clock.at)).done == 0
    assert await world.keys.find([SubjectId(ada.user_id), SubjectId(ada.personal_workspace_id)]) == {}
    assert "Ada" not in await everything_readable(world)
    types = [recorded.type for recorded in await world.store.read_all({}, limit=100_000)]
    assert types.count("UserErased") == types.count("UserErasureBegun") == 1
    assert types.count("WorkspaceErased") == types.count("WorkspaceErasureBegun") == 2
    assert (await world.read(GetWorkspace(workspace_id=shared), people["Bob"])).role == "owner"


def _restarted(world: World) -> Any:
    """The same data under new eyes: nothing is remembered."""
    around = world.users.writing.write._handlers[EraseAccount].__self__._around
    for repository in around.repositories:
        repository._cache.clear()
    return around


async def test_two_processes_that_erase_at_once_erase_once(world: World) -> None:
    ada = await world.enter()
    await world.write(EraseAccount(), ada)
    world.clock.at += GRACE
    await world.caught_up()
    reports = await asyncio.gather(*(world.users.writing.erasures.run_due(world.clock.at) for _ in range(3)))
    assert [report.failed for report in reports] == [[], [], []]
    types = [recorded.type for recorded in await world.store.read_all({}, limit=100_000)]
    assert types.count("UserErased") == 1


async def test_one_that_fails_does_not_keep_others_from_being_erased(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    for who in (ada, bob):
        await world.write(EraseAccount(), who)
        world.clock.forward(seconds=1)
    world.clock.at += GRACE
    with monkeypatch.context() as patch:
        patch.setattr(world.keys, "destroy", crashing(world.keys.destroy, 1))
        report = await world.users.writing.erasures.run_due(world.clock.at)
    assert [type(error) for error in report.failed] == [Crash]
    await world.caught_up()
    assert await world.keys.find([SubjectId(bob.user_id)]) == {}


async def test_an_old_backup_of_the_log_tells_nothing_without_the_key(world: World) -> None:
    ada = await world.enter()
    partitions = {
        number: replace(partition, rows=list(partition.rows)) for number, partition in world.log.partitions.items()
    }
    backup = MemoryEventStore(Codec(EVENTS, world.keys), MemoryLog(partitions=partitions))
    assert "ada@example.com" in repr(await backup.read_all({})).lower()
    await erased(world, ada)
    assert "ada@example.com" not in repr(await backup.read_all({})).lower()


async def test_sessions_and_tokens_leave_the_read_model(world: World) -> None:
    ada = await world.enter()
    await world.write(IssueToken(name="x", scopes=("tasks:read",), expires_at=None), ada)
    await erased(world, ada)
    for table in (SESSIONS, TOKENS):
        assert await world.views.count(world.projector.model_id, table, ALL) == 0

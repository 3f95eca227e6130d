"""Workspaces, members and invitations, through the services."""

import asyncio
from datetime import timedelta

import pytest

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Refused, Stale
from sigdep.kernel.ids import Version
from sigdep.rpc.call import Principal
from sigdep.users.commands.requests import AnswerInvitation, EraseWorkspace, Invite, KeepWorkspace, OpenWorkspace
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember, RenameWorkspace, RevokeInvitation
from sigdep.users.domain.invitations import AlreadyInvited, AlreadyMember, InvitationGone
from sigdep.users.domain.members import LastOwner
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.queries import GetWorkspace, ListInvitations, ListMembers, ListWorkspaces, NewInvitation
from tests.users.people import identity
from tests.users.world import GRACE, World, answer_key


def rename(world: World, place: object, by: Principal, name: str) -> RenameWorkspace:
    return RenameWorkspace(workspace_id=place, name=name, by=by.user_id, at=world.clock.at)  # type: ignore[arg-type]


def remove(world: World, place: object, whom: Principal, by: Principal) -> RemoveMember:
    return RemoveMember(workspace_id=place, user_id=whom.user_id, by=by.user_id, at=world.clock.at)  # type: ignore[arg-type]


async def test_who_creates_a_workspace_sees_it_in_the_very_next_request(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    call = world.call(ada)
    assert (await world.users.reading.read.ask(GetWorkspace(workspace_id=opened.id), call)).value == opened
    assert (opened.role, opened.personal, opened.version) == ("owner", False, 2)


async def test_creating_with_ones_own_id_may_be_repeated(world: World) -> None:
    ada = await world.enter()
    wish = OpenWorkspace(name="Team", workspace_id=identity(5))  # type: ignore[arg-type]
    first = await world.users.writing.write.ask(wish, world.call(ada))
    again = await world.users.writing.write.ask(wish, world.call(ada))
    assert first.value == again.value
    assert (first.created, again.created) == (True, False)


async def test_a_stranger_gets_not_found_for_everything(world: World) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    place, people = await world.team(ada, Bob="member")
    at, bob = world.clock.at, people["Bob"].user_id
    writes = [
        rename(world, place, eve, "Mine"),
        RemoveMember(workspace_id=place, user_id=bob, by=eve.user_id, at=at),
        RemoveMember(workspace_id=place, user_id=eve.user_id, by=eve.user_id, at=at),
        ChangeMemberRole(workspace_id=place, user_id=eve.user_id, role="owner", by=eve.user_id, at=at),
        Invite(workspace_id=place, email="eve@example.com", role="owner"),
        EraseWorkspace(workspace_id=place),
        KeepWorkspace(workspace_id=place),
    ]
    for message in writes:
        with pytest.raises(NotFound):
            await world.write(message, eve)
        with pytest.raises(NotFound):
            await world.write(message, eve, if_match=Version(99))
    reads = [
        GetWorkspace(workspace_id=place),
        ListMembers(workspace_id=place, limit=50),
        ListInvitations(workspace_id=place, limit=50),
    ]
    for query in reads:
        with pytest.raises(NotFound):
            await world.read(query, eve)
    assert (await world.read(GetWorkspace(workspace_id=place), ada)).version == 5  # Nothing was stored.


async def test_a_viewer_reads_and_may_not_write(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Dan="viewer")
    dan = people["Dan"]
    await world.read(GetWorkspace(workspace_id=place), dan)
    assert len((await world.read(ListMembers(workspace_id=place, limit=50), dan)).items) == 2
    with pytest.raises(Forbidden):
        await world.write(rename(world, place, dan, "Mine"), dan)
    with pytest.raises(Forbidden):
        await world.write(Invite(workspace_id=place, email="x@example.com", role="viewer"), dan)
    with pytest.raises(Forbidden):
        await world.read(ListInvitations(workspace_id=place, limit=50), dan)


async def test_members_are_listed_with_their_names_in_the_order_in_which_they_came(world: World) -> None:
    ada = await world.enter()
    place, _ = await world.team(ada, Bob="admin", Cyd="viewer")
    members = (await world.read(ListMembers(workspace_id=place, limit=50), ada)).items
    assert {(m.name, m.email, m.role) for m in members} == {
        ("Ada", "Ada@example.com", "owner"),
        ("Bob", "Bob@example.com", "admin"),
        ("Cyd", "Cyd@example.com", "viewer"),
    }


async def test_a_stale_rename_is_turned_away(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    await world.write(rename(world, opened.id, ada, "Crew"), ada, if_match=Version(2))
    with pytest.raises(Stale):
        await world.write(rename(world, opened.id, ada, "Gang"), ada, if_match=Version(2))


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines"])
async def test_a_bad_name_is_refused(world: World, name: str) -> None:
    ada = await world.enter()
    with pytest.raises(Invalid):
        await world.write(OpenWorkspace(name=name), ada)
    with pytest.raises(Invalid):
        await world.write(rename(world, ada.personal_workspace_id, ada, name), ada)


async def test_a_role_changes_and_counts_at_once(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="member")
    bob = people["Bob"]
    with pytest.raises(Forbidden):
        await world.write(rename(world, place, bob, "Crew"), bob)
    promote = ChangeMemberRole(workspace_id=place, user_id=bob.user_id, role="admin", by=ada.user_id, at=world.clock.at)
    changed = await world.write(promote, ada)
    assert (changed.role, changed.name) == ("admin", "Bob")
    assert (await world.write(rename(world, place, bob, "Crew"), bob)).name == "Crew"


async def test_who_was_removed_is_a_stranger_at_once(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="admin")
    bob = people["Bob"]
    await world.write(remove(world, place, bob, ada), ada)
    with pytest.raises(WorkspaceNotFound):
        await world.write(rename(world, place, bob, "Mine"), bob)
    with pytest.raises(WorkspaceNotFound):
        await world.read(GetWorkspace(workspace_id=place), bob)
    assert [place.personal for place in (await world.read(ListWorkspaces(limit=50), bob)).items] == [True]


async def test_two_owners_who_leave_at_once_leave_one_behind(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="owner")
    bob = people["Bob"]
    leaving = [world.write(remove(world, place, ada, ada), ada), world.write(remove(world, place, bob, bob), bob)]
    results = await asyncio.gather(*leaving, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["LastOwner", "NoneType"]
    assert any(isinstance(result, LastOwner) for result in results)


async def invite(world: World, ada: Principal, place: object, name: str = "Eve") -> NewInvitation:
    message = Invite(workspace_id=place, email=f"{name}@example.com", role="member")  # type: ignore[arg-type]
    invitation: NewInvitation = await world.write(message, ada)
    return invitation


async def test_an_invitation_brings_one_in_once(world: World) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await invite(world, ada, opened.id)
    (listed,) = (await world.read(ListInvitations(workspace_id=opened.id, limit=50), ada)).items
    assert (listed.id, listed.email, listed.role) == (invitation.id, "Eve@example.com", "member")
    assert not hasattr(listed, "token")
    joined = await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)
    assert (joined.id, joined.role) == (opened.id, "member")
    call = world.call(eve)
    assert (await world.users.reading.read.ask(GetWorkspace(workspace_id=opened.id), call)).value.role == "member"
    with pytest.raises(InvitationGone):
        await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)
    assert (await world.read(ListInvitations(workspace_id=opened.id, limit=50), ada)).items == []


async def test_an_invitation_found_by_somebody_else_does_not_let_them_in(world: World) -> None:
    ada, bob = await world.enter("Ada"), await world.enter("Bob")
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await invite(world, ada, opened.id)
    for accept in (True, False):
        with pytest.raises(Forbidden):
            await world.write(AnswerInvitation(token=invitation.token, accept=accept), bob)
    with pytest.raises(NotFound):
        await world.read(GetWorkspace(workspace_id=opened.id), bob)


async def test_who_has_no_account_yet_makes_one_and_comes_in(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await invite(world, ada, opened.id)
    eve = await world.enter("Eve")
    assert (await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)).role == "member"


@pytest.mark.parametrize("text", ["", "sigdep_invitation_" + "0" * 65, "x" * 83])
async def test_a_made_up_invitation_is_refused(world: World, text: str) -> None:
    ada = await world.enter()
    with pytest.raises(InvitationGone):
        await world.write(AnswerInvitation(token=text, accept=True), ada)


async def test_an_invitation_expires_after_seven_days(world: World) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await invite(world, ada, opened.id)
    assert invitation.expires_at == world.clock.at + timedelta(days=7)
    world.clock.forward(days=7)
    with pytest.raises(InvitationGone):
        await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)
    assert (await world.read(ListInvitations(workspace_id=opened.id, limit=50), ada)).items == []
    await invite(world, ada, opened.id)  # A new one may be made.


async def test_an_invitation_can_be_declined_or_revoked(world: World) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    declined = await invite(world, ada, opened.id)
    with pytest.raises(AlreadyInvited):
        await invite(world, ada, opened.id)
    await world.write(AnswerInvitation(token=declined.token, accept=False), eve)
    revoked = await invite(world, ada, opened.id)
    revocation = RevokeInvitation(workspace_id=opened.id, invitation_id=revoked.id, by=ada.user_id, at=world.clock.at)
    await world.write(revocation, ada)
    for invitation in (declined, revoked):
        with pytest.raises(InvitationGone):
            await world.write(AnswerInvitation(token=invitation.token, accept=True), eve)


async def test_a_member_is_not_invited_again(world: World) -> None:
    ada = await world.enter()
    place, _ = await world.team(ada, Bob="member")
    with pytest.raises(AlreadyMember):
        await invite(world, ada, place, "BOB")


async def test_a_repeated_invitation_with_its_key_answers_the_same_token(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    message = Invite(workspace_id=opened.id, email="eve@example.com", role="member")
    first = await world.write(message, ada, answer_key=answer_key(ada))
    await invite(world, ada, opened.id, "Bob")
    assert await world.write(message, ada, answer_key=answer_key(ada)) == first


async def test_an_invited_address_is_in_no_event_that_the_workspaces_key_opens(world: World) -> None:
    ada = await world.enter()
    opened = await world.write(OpenWorkspace(name="Team"), ada)
    invitation = await invite(world, ada, opened.id)
    await world.keys.destroy(invitation.id)  # type: ignore[arg-type]
    events = [recorded.event for recorded in await world.store.read_all({})]
    assert "eve@example.com" not in repr(events).lower()
    assert "Team" in repr(events)


async def test_a_workspaces_erasure_can_be_taken_back_by_an_owner(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="admin")
    bob = people["Bob"]
    with pytest.raises(Forbidden):
        await world.write(EraseWorkspace(workspace_id=place), bob)
    assert (await world.write(EraseWorkspace(workspace_id=place), ada)).erased_at == world.clock.at + GRACE
    with pytest.raises(Forbidden):
        await world.write(KeepWorkspace(workspace_id=place), bob)
    assert (await world.write(KeepWorkspace(workspace_id=place), ada)).erased_at is None


async def test_a_personal_workspace_is_neither_erased_nor_shared(world: World) -> None:
    ada = await world.enter()
    with pytest.raises(Refused):
        await world.write(EraseWorkspace(workspace_id=ada.personal_workspace_id), ada)
    with pytest.raises(Refused):
        await invite(world, ada, ada.personal_workspace_id)


async def test_other_contexts_hear_who_is_no_member(world: World) -> None:
    ada, eve = await world.enter("Ada"), await world.enter("Eve")
    place, people = await world.team(ada, Bob="viewer")
    asked = [ada.user_id, people["Bob"].user_id, eve.user_id, UserId(identity(404))]
    assert list(await world.users.writing.members.are_members(place, asked)) == [eve.user_id, identity(404)]

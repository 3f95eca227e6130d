"""What other contexts may ask of people: who has an address, and where somebody can be reached."""

from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId
from sigdep.contracts.membership import Contact, FindByEmail, FindContact
from sigdep.kernel.errors import Forbidden
from sigdep.users.domain.user import UserNotFound
from tests.users.world import World


async def test_members_are_found_by_their_address_and_strangers_are_not(world: World) -> None:
    ada = await world.enter()
    place, people = await world.team(ada, Bob="viewer")
    await world.enter("Eve")
    names = ("BOB", "eve", "nobody", "no address", "ada", "bob")
    emails = tuple(f"{name}@example.com" for name in names)
    assert await world.write(FindByEmail(workspace_id=place, emails=emails)) == (  # type: ignore[arg-type]
        people["Bob"].user_id,
        ada.user_id,
    )
    with pytest.raises(Forbidden):
        await world.write(FindByEmail(workspace_id=place, emails=emails), ada)  # type: ignore[arg-type]


async def test_a_person_is_reached_where_they_are_now_and_only_by_services(world: World) -> None:
    ada = await world.enter()
    question = FindContact(user_id=ada.user_id)
    contact = await world.write(question)  # type: ignore[arg-type]
    assert contact == Contact(email="Ada@example.com", name="Ada", time_zone="UTC", locale="en")
    with pytest.raises(Forbidden):
        await world.write(question, ada)  # type: ignore[arg-type]
    with pytest.raises(UserNotFound):
        await world.write(FindContact(user_id=UserId(UUID(int=7))))  # type: ignore[arg-type]

"""Where events stand in an agenda."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sigdep.calendar.queries import ListOccurrences
from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.kernel.errors import Invalid, NotFound
from tests.calendar.stories import EVE, TEAM
from tests.calendar.test_reading import DECEMBER, populate
from tests.calendar.world import World


async def entries(world: World, query: FindAgenda) -> list[AgendaEntry]:
    """All pages."""
    found: list[AgendaEntry] = []
    while True:
        part = await world.query(query)
        assert isinstance(part, AgendaPart)
        found += part.entries
        if not part.more:
            return found
        assert len(part.entries) == query.limit
        query = msgspec.structs.replace(query, after=found[-1].place)


@pytest.mark.parametrize("seed", range(4))
async def test_an_agenda_has_what_lists_of_occurrences_have(world: World, seed: int) -> None:
    chance = Random(seed)
    await populate(world, chance, 30)
    for _ in range(4):
        since = DECEMBER + timedelta(days=chance.randrange(-14, 40), hours=chance.randrange(24))
        asked: dict[str, Any] = {"since": since, "until": since + timedelta(days=chance.choice([1, 7, 31]))}
        asked |= {"time_zone": chance.choice(["UTC", "Pacific/Auckland"]), "limit": chance.choice([1, 7, 200])}
        found = await entries(world, FindAgenda(**asked))
        listed = await world.items(ListOccurrences(**asked))
        assert [msgspec.json.decode(one.document) for one in found] == listed
        assert [one.place for one in found] == sorted(one.place for one in found)
        for one, shown in zip(found, listed, strict=True):
            stands = (one.place.starts_at, one.ends_at, one.all_day, str(one.place.thing_id))
            kept = msgspec.convert(shown["starts_at"], type(since)), msgspec.convert(shown["ends_at"], type(since))
            assert stands == (*kept, shown["all_day"], shown["id"])


async def test_it_goes_on_behind_the_place_of_something_else(world: World) -> None:
    event = await world.schedule()
    query = FindAgenda(since=DECEMBER, until=DECEMBER + timedelta(days=1), time_zone="UTC")
    (entry,) = await entries(world, query)
    for thing, expected in ((UUID(int=0), 1), (event.id, 0), (UUID(int=2**128 - 1), 0)):
        place = AgendaPlace(starts_at=entry.place.starts_at, thing_id=thing)
        assert len(await entries(world, msgspec.structs.replace(query, after=place))) == expected


async def test_strangers_and_senseless_questions_are_refused(world: World) -> None:
    query = FindAgenda(since=DECEMBER, until=DECEMBER + timedelta(days=1), time_zone="UTC", workspace_id=TEAM)
    await world.query(query)
    with pytest.raises(NotFound):
        await world.query(query, by=EVE)
    with pytest.raises(Invalid):
        await world.query(msgspec.structs.replace(query, time_zone="Atlantis"))

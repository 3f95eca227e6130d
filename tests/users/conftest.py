"""What every test of this context may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.users.team import Team
from tests.users.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as world:
        yield world


@pytest.fixture
async def team(world: World) -> Team:
    return await Team(world).open()

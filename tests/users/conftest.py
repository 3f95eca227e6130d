"""What every test of this context may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.users.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as world:
        yield world

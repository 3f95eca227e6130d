"""What tests of this context may ask for."""

import pytest

from tests.tasks.write_side import World


@pytest.fixture
def world() -> World:
    """The write service over an empty log."""
    return World()

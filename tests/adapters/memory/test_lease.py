"""Leases in memory keep the contract."""

import pytest

from sigdep.adapters.memory.lease import MemoryLeases
from sigdep.testing.lease import LeaseContract, OpenLeases


class TestMemoryLeases(LeaseContract):
    @pytest.fixture
    def open_leases(self) -> OpenLeases:
        leases = MemoryLeases()

        async def open_leases() -> MemoryLeases:
            return leases

        return open_leases

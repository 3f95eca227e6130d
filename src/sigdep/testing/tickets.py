"""The contract suites of one-time tickets: every promise of `http/tickets.py`, for every adapter."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import pytest

from sigdep.contracts.ids import UserId
from sigdep.http.tickets import BOUNDS, TICKET_LENGTH_MAX, TicketBounds, Tickets
from sigdep.kernel.errors import TooMany, Unavailable

OpenTickets = Callable[[TicketBounds], Tickets]

ADA: Final = UserId(UUID(int=1))
BOB: Final = UserId(UUID(int=2))
BEARER: Final = "sigdep_a-credential.of-ada"

SHORT_SECONDS: Final = 0.6


class TicketsContract:
    """A subclass gives `open_tickets`, which opens the same tickets each time within a test."""

    @pytest.fixture
    def open_tickets(self) -> OpenTickets:
        raise NotImplementedError("The subclass says how its tickets are opened.")

    @pytest.fixture
    def tickets(self, open_tickets: OpenTickets) -> Tickets:
        return open_tickets(BOUNDS)

    async def test_a_ticket_works_once(self, tickets: Tickets) -> None:
        first, second = await tickets.make(ADA, BEARER), await tickets.make(BOB, "another")
        assert first != second
        assert max(len(first), len(second)) <= TICKET_LENGTH_MAX
        assert await tickets.redeem(first) == BEARER
        assert await tickets.redeem(first) is None
        assert await tickets.redeem(second) == "another"

    async def test_of_all_that_come_with_it_at_once_one_gets_in(self, tickets: Tickets) -> None:
        ticket = await tickets.make(ADA, BEARER)
        found = await asyncio.gather(*(tickets.redeem(ticket) for _ in range(20)))
        assert sorted(found, key=str) == [None] * 19 + [BEARER]

    @pytest.mark.parametrize(
        "ticket", ["", "made up", "é" * 10, "\ud800", "a\0b", "x" * TICKET_LENGTH_MAX, "x" * 5_000]
    )
    async def test_what_is_no_ticket_opens_nothing(self, tickets: Tickets, ticket: str) -> None:
        assert await tickets.redeem(ticket) is None

    async def test_a_ticket_ends_by_itself_and_makes_room(self, open_tickets: OpenTickets) -> None:
        tickets = open_tickets(TicketBounds(seconds=SHORT_SECONDS, of_a_user=2, of_all=2))
        old = [await tickets.make(ADA, BEARER) for _ in range(2)]
        await asyncio.sleep(SHORT_SECONDS * 1.1)
        assert [await tickets.redeem(ticket) for ticket in old] == [None, None]
        for _ in range(2):
            await tickets.make(ADA, BEARER)

    async def test_tickets_are_bounded_and_used_ones_make_room(self, open_tickets: OpenTickets) -> None:
        tickets = open_tickets(TicketBounds(of_a_user=3, of_all=4))
        made = [await tickets.make(ADA, BEARER) for _ in range(3)]
        with pytest.raises(TooMany):
            await tickets.make(ADA, BEARER)
        await tickets.make(BOB, "another")
        with pytest.raises(Unavailable):
            await tickets.make(BOB, "another")
        assert await tickets.redeem(made[0]) == BEARER
        await tickets.make(ADA, BEARER)
        with pytest.raises((TooMany, Unavailable)):
            await tickets.make(ADA, BEARER)


class SharedTicketsContract(TicketsContract):
    """For tickets that gateways share: each call of `open_tickets` is another gateway."""

    async def test_a_ticket_of_one_gateway_opens_another_and_then_neither(self, open_tickets: OpenTickets) -> None:
        here, there = open_tickets(BOUNDS), open_tickets(BOUNDS)
        ticket = await here.make(ADA, BEARER)
        assert await there.redeem(ticket) == BEARER
        assert await here.redeem(ticket) is None

    async def test_of_two_gateways_at_once_one_lets_in(self, open_tickets: OpenTickets) -> None:
        here, there = open_tickets(BOUNDS), open_tickets(BOUNDS)
        for _ in range(20):
            ticket = await here.make(ADA, BEARER)
            found = await asyncio.gather(here.redeem(ticket), there.redeem(ticket))
            assert set(found) == {BEARER, None}

    async def test_a_user_has_one_bound_for_all_gateways(self, open_tickets: OpenTickets) -> None:
        here, there = (open_tickets(TicketBounds(of_a_user=2)) for _ in range(2))
        await here.make(ADA, BEARER)
        await there.make(ADA, BEARER)
        for tickets in (here, there):
            with pytest.raises(TooMany):
                await tickets.make(ADA, BEARER)

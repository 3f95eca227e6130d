"""Lists of calendars, and of appointments as they are kept."""

from typing import Final

from sigdep.calendar.queries import ListAppointments, ListCalendars
from sigdep.calendar.read_models.appointment_rows import APPOINTMENTS
from sigdep.calendar.read_models.calendars import CALENDARS
from sigdep.calendar.read_service.things import CALENDAR
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import All, Compare, Condition, Order, Select
from sigdep.reading.moments import Moment
from sigdep.reading.pages import document_of, listing
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call, Encoded

_DOCUMENT: Final = ("document",)


class Lists:
    """Answers with pages."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def list_calendars(self, query: ListCalendars, call: Call) -> Answer[Encoded]:
        workspace = self._sources.workspace(query.workspace_id, call)
        where: list[Condition] = [Compare("workspace_id", "=", workspace), Compare("trashed", "=", query.trashed)]
        if query.archived is not None:
            where.append(Compare("archived", "=", query.archived))
        order = (Order("name_folded"),)
        select = Select(table=CALENDARS, where=All(tuple(where)), order=order, limit=query.limit, columns=_DOCUMENT)
        return await self._page(select, workspace, query, query.cursor, query.at, call)

    async def list_appointments(self, query: ListAppointments, call: Call) -> Answer[Encoded]:
        workspace = await self._sources.workspace_of(CALENDAR, query.calendar_id, call)
        where: list[Condition] = [
            Compare("calendar_id", "=", query.calendar_id),
            Compare("trashed", "=", query.trashed),
        ]
        if query.uid is not None:
            where.append(Compare("uid", "=", query.uid))
        order = (Order("created_at"),)
        select = Select(table=APPOINTMENTS, where=All(tuple(where)), order=order, limit=query.limit, columns=_DOCUMENT)
        return await self._page(select, workspace, query, query.cursor, query.at, call)

    async def _page(
        self, select: Select, workspace: WorkspaceId, query: Query, cursor: str | None, at: Moment | None, call: Call
    ) -> Answer[Encoded]:
        view = await self._sources.view(workspace, at, call)
        position = view.position(workspace)
        paging = Paging(query, workspace)
        page = await view.select(paging.after(select, cursor))
        return listing(map(document_of, page.rows), paging.cursor(page.next), position)

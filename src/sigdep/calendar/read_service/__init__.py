"""Answers the queries of the context, from its read model and, for the past, from its log."""

from sigdep.calendar.read_service.service import CalendarRead

__all__ = ["CalendarRead"]

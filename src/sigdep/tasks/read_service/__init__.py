"""Answers the queries of the context, from its read model and, for the past, from its log."""

from sigdep.tasks.read_service.service import TasksRead

__all__ = ["TasksRead"]

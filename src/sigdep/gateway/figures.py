"""The figures of one process, for Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

Look = Callable[[], Awaitable[None]]
"""Finds out what must be asked for, in bounded time. Raises nothing."""


class Figures:
    """What all parts of a process show together."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._looks: list[Look] = []

    def add(self, collector: Collector) -> None:
        """Show the figures of another part of the process too."""
        self.registry.register(collector)

    def look_before(self, look: Look) -> None:
        """What a collector must know before it is asked."""
        self._looks.append(look)

    async def page(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        await asyncio.gather(*(look() for look in self._looks))
        return generate_latest(self.registry)

"""The spans that wait to be taken away: bounded, and never waited for."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Protocol, Self

import structlog

from sigdep.telemetry.spans import Span

QUEUE_SPANS_MAX: Final = 4_096
"""More are dropped, and counted: a collector that is away costs memory for so many and nothing else."""

BATCH_SPANS: Final = 512
EXPORT_SECONDS: Final = 1.0
"""A span is sent so much later at most, unless the collector is slow."""

CLOSE_SECONDS_MAX: Final = 2.0
"""What waits when the process ends is sent within this, or lost."""

_log = structlog.get_logger("sigdep.traces")


class SpanExporter(Protocol):
    """The way to whoever keeps spans."""

    def export(self, spans: Sequence[Span]) -> bool:
        """Blocks until they are there, or it has been given up: False. Raises nothing."""
        ...

    def close(self) -> None:
        """Give up what is under way."""
        ...


class SpanQueue:
    """Spans of one process: `async with SpanQueue(exporter) as spans`. Belongs to one event loop."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exported = 0
        self.failed = 0
        """Given up by the exporter."""
        self.dropped = 0
        """For which there was no place."""
        self._exporter = exporter
        self._waiting: deque[Span] = deque()
        self._enough = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "sigdep-spans")
        self._is_well = True
        self._closing = False
        self._job: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(self, span: Span) -> None:
        if len(self._waiting) >= QUEUE_SPANS_MAX:
            self.dropped += 1
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH_SPANS:
            self._enough.set()

    async def __aenter__(self) -> Self:
        self._job = asyncio.create_task(self._export_for_ever(), name="spans")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._job is not None
        self._closing = True
        self._enough.set()
        await asyncio.wait((self._job,), timeout=CLOSE_SECONDS_MAX)
        if not self._job.done():
            _log.warning("spans are lost: the collector takes too long", spans=len(self._waiting))
        self._exporter.close()
        self._job.cancel()
        await asyncio.gather(self._job, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _export_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(EXPORT_SECONDS):
                    await self._enough.wait()
            except TimeoutError:
                pass  # Then with what there is.
            self._enough.clear()
            while self._waiting:
                await self._export()
            if self._closing:
                return

    async def _export(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH_SPANS, len(self._waiting)))]
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._thread, self._exporter.export, batch)
        if done:
            self.exported += len(batch)
        else:
            self.failed += len(batch)
        if done != self._is_well:
            self._is_well = done
            _log.warning("spans are taken again" if done else "spans are not taken; they are dropped meanwhile")

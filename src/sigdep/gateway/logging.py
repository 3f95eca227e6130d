"""Structured logs: one JSON object a line, or colours on a terminal. Never a secret, a body, a text, a query."""

import json
import logging
import sys
from typing import Final, TextIO

import msgspec
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from sigdep.telemetry.current import add_work

_encode: Final = msgspec.json.Encoder(enc_hook=repr).encode

Level = int


def configure_logging(*, level: Level = logging.INFO, stream: TextIO | None = None) -> None:
    """Set up structlog, and lead the standard library's loggers into it. Call it once, when a process starts."""
    out = stream if stream is not None else sys.stderr
    pretty = out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_work,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without the values of variables, which both renderers would show: passwords and texts are among them.
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if pretty
        else [structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), _render_json]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return _encode(event).decode()
    except UnicodeEncodeError:  # A lone surrogate: the driver of some file name or header let it through.
        return json.dumps(event, default=repr)

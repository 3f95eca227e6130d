"""Picks what takes spans away."""

from contextlib import AsyncExitStack
from importlib.metadata import version

from sigdep.http.stamps import new_id
from sigdep.services.settings import BadSetting, Settings
from sigdep.telemetry.queue import SpanQueue


async def open_spans(settings: Settings, service: str, stack: AsyncExitStack) -> SpanQueue | None:
    """The way of spans to a collector. None: there is none, and nothing of OpenTelemetry is loaded.

    Args:
        service: the name of this process's role.

    Raises:
        BadSetting: what sends them is not installed.
    """
    if not settings.traces_anywhere:
        return None
    try:
        from sigdep.adapters.otlp import OtlpExporter  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise BadSetting(
            f"SIGDEP_OTLP_ENDPOINT is set, and {missing.name} is not installed: pip install 'sigdep[telemetry]'."
        ) from None
    resource = {
        "service.namespace": "sigdep",
        "service.name": service,
        "service.version": version("sigdep"),
        "service.instance.id": str(new_id()),
    }
    return await stack.enter_async_context(SpanQueue(OtlpExporter(settings.otlp_endpoint, resource)))

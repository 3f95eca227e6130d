"""`sigdep` without the layers that count: what figures cost is the difference. Called like `sigdep` itself."""

from typing import Any

from sigdep.cli import main
from sigdep.gateway.metrics import Metrics
from sigdep.services.observing.watch import Watch


def _as_it_is(_watch: Watch, _name: str, port: Any, **_: Any) -> Any:
    return port


def _nothing(_metrics: Metrics, *_: Any) -> None:
    """Nothing is counted."""


if __name__ == "__main__":
    Watch.inner = Watch.store = _as_it_is  # type: ignore[method-assign, assignment]
    Metrics.begun = Metrics.ended = _nothing  # type: ignore[method-assign, assignment]
    main()

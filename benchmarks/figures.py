"""A figure, what it is held against in the same run, and how both are printed and kept."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One thing that was measured."""

    name: str
    value: float
    unit: str
    against: str = ""
    """What it is held against: a rival, or the limit of the machine, measured in the same run; or our target."""
    other: float | None = None
    """The figure of that."""

    @property
    def ratio(self) -> float | None:
        return None if not self.other else self.value / self.other


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    print(f"\n{title}")
    name = max(len(figure.name) for figure in figures)
    for figure in figures:
        held = ""
        if figure.ratio is not None and figure.other is not None:
            held = f"  {figure.ratio:7.2f} x {figure.against} ({_shown(figure.other)})"
        print(f"  {figure.name:<{name}}  {_shown(figure.value):>10} {figure.unit:<9}{held}", flush=True)


def keep_figures(title: str, figures: Sequence[Figure]) -> Path:
    """As JSON under `benchmarks/results`, with the machine that they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{title.replace(' ', '-')}.json"
    kept = {
        "title": title,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "figures": [asdict(figure) | {"ratio": figure.ratio} for figure in figures],
    }
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    return path


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"

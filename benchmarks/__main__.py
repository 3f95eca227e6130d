"""All benchmarks, one after the other: `make bench`. Each can be run alone: `python -m benchmarks.growth`."""

from importlib import import_module
from typing import Final

BENCHMARKS: Final = (
    "recurrence",
    "ical",
    "event_store",
    "embedded",
    "live",
    "profile",
    "observing",
    "calendar",
    "passports",
    "brokers",
    "cluster",
    "starts",
    "memory",
    "scaling",
    "growth",
    "reminders",
    "search",
)

if __name__ == "__main__":
    for name in BENCHMARKS:
        import_module(f"benchmarks.{name}").main()

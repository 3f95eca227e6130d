"""What the API suite runs on: the one process, and the cluster with each broker."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from sigdep.services.distributed.engines.brokers import BROKERS, broker_engine
from sigdep.testing.kafka_server import kafka_programs
from sigdep.testing.running_server import Mode, RunningServer, running_server
from tests.conftest import missing_servers_skip

DEFAULT_BROKER: Final = "nats"

BROKER: Final = os.environ.get("SIGDEP_BROKER", DEFAULT_BROKER)
"""Of the cluster that all tests share, and of those that chaos is let loose on."""

EMBEDDED: Final = "embedded"
CLUSTER: Final = "cluster"


def installations(*, every_broker: bool) -> Sequence[str]:
    """What a test of the API runs on. If SIGDEP_BROKER names a broker, the cluster with that one alone.

    Args:
        every_broker: whether this test belongs to the small part that runs with all of them.
    """
    if "SIGDEP_BROKER" in os.environ:
        return (CLUSTER,)
    others = tuple(broker for broker in BROKERS if broker != DEFAULT_BROKER)
    return (EMBEDDED, CLUSTER, *(others if every_broker else ()))


@contextmanager
def shared_server(mode: Mode, broker: str = BROKER) -> Iterator[RunningServer]:
    """For many tests, all of which leave it running. Skips by the broker's name, where this machine has none."""
    options: tuple[str, ...] = ("--no-limits",)
    if mode == "cluster":
        need_broker(broker)
        options += ("--broker", broker)
    # Receivers of webhooks are here too.
    with running_server(mode=mode, options=options, outgoing_allow="127.0.0.0/8") as shared:
        yield shared
        # After all that the tests have sent it.
        assert shared.stop() == 0
        assert "Traceback" not in shared.printed


def need_broker(broker: str) -> None:
    """Skip by its name where it is not on this machine; in CI that fails, if `make services` would have brought it."""
    if broker not in BROKERS:
        pytest.fail(f"SIGDEP_BROKER is {broker}, and must be one of {', '.join(BROKERS)}.", pytrace=False)
    with missing_servers_skip(), TemporaryDirectory() as folder:
        if broker == "kafka":
            kafka_programs()  # The cluster fetches nothing.
        broker_engine(broker, Path(folder))

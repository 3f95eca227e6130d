"""Who may hold a connection: so many altogether, and so many from one address."""

from collections import Counter
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, Final

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sigdep.gateway.addresses import UNKNOWN, Addresses, Network, neighbourhood
from sigdep.kernel.errors import SigdepError, TooMany, Unavailable

CONNECTIONS_MAX: Final = 10_000
RETRY_SECONDS: Final = 5.0
SAID_SECONDS: Final = 10.0
"""Refusals are logged so often at most: whoever opens connections by the thousand shall not fill the disk too."""

_log = structlog.get_logger("sigdep.gateway")


class Doors(Collector):
    """Counts the connections of one server, WebSockets apart, which have bounds of their own.

    Proxies that are trusted stand for many clients, and hold as many as there is room for.
    """

    def __init__(
        self,
        *,
        address_max: int | None = None,
        trusted: Sequence[Network] = (),
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """
        Args:
            address_max: connections of one address, or of one IPv6 neighbourhood. None: as many as there is room for.
        """
        self._address_max = address_max
        self._connections_max = connections_max
        self._addresses = Addresses(trusted)
        self._present: Counter[str] = Counter()
        self._connections = 0
        self._refused: Counter[str] = Counter(full=0, address=0)
        self._said_at = -SAID_SECONDS

    def enter(self, client: Any) -> str:
        """Let a peer in, as asyncio names it. Returns by what name it leaves.

        Raises:
            Unavailable: there is no room.
            TooMany: its address holds too many connections already.
        """
        peer: str = client[0] if client else UNKNOWN
        name = neighbourhood(peer)
        if self._connections >= self._connections_max:
            raise self._refusal("full", Unavailable("The server holds as many connections as it can.", RETRY_SECONDS))
        crowded = self._address_max is not None and self._present[name] >= self._address_max
        if crowded and not self._addresses.is_trusted(peer):
            text = f"Your address holds {self._address_max:,} connections: use those, or close some."
            raise self._refusal("address", TooMany(text, RETRY_SECONDS))
        self._present[name] += 1
        self._connections += 1
        return name

    def leave(self, name: str) -> None:
        self._connections -= 1
        self._present[name] -= 1
        if self._present[name] <= 0:
            del self._present[name]

    def _refusal(self, why: str, error: SigdepError) -> SigdepError:
        self._refused[why] += 1
        if monotonic() - self._said_at >= SAID_SECONDS:
            self._said_at = monotonic()
            _log.warning("connections are refused", why=why, so_far=self._refused[why])
        return error

    def collect(self) -> Iterator[Metric]:
        what = "Connections that are open, WebSockets apart."
        yield GaugeMetricFamily("sigdep_http_connections", what, self._connections)
        what = "Connections refused, by why."
        refused = CounterMetricFamily("sigdep_http_connections_refused", what, labels=("why",))
        for why, number in self._refused.items():
            refused.add_metric((why,), number)
        yield refused

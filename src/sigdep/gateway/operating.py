"""What a role behind the gateway shows its operator by HTTP: figures and health, and nothing else."""

from collections.abc import Mapping

from sigdep.gateway.addresses import Addresses
from sigdep.gateway.edge import Edge, dispatch, nowhere
from sigdep.gateway.figures import Figures
from sigdep.gateway.health import Check, health_pages
from sigdep.gateway.routing import RouteTable
from sigdep.gateway.security_headers import API_HEADERS
from sigdep.gateway.site import metrics_page
from sigdep.telemetry.sampling import Sampler


def operating_application(figures: Figures, checks: Mapping[str, Check]) -> Edge:
    """Whoever can reach it may look: it shows nothing of anybody."""
    return Edge(
        dispatch,
        table=RouteTable([*health_pages(checks), metrics_page(figures)]),
        elsewhere=nowhere,
        addresses=Addresses(()),
        headers=API_HEADERS,
        observers=(),
        sampler=Sampler(),
    )

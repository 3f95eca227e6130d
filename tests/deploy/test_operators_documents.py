"""What operators are told, held against the code that it is about."""

import re
from pathlib import Path

from sigdep.adapters.postgres import connecting, lease, read_store
from sigdep.gateway.live.bounds import CONNECTIONS_MAX as LIVE_CONNECTIONS_MAX
from sigdep.services.distributed.process import DRAIN_SECONDS
from tests.deploy.documents import PEERS, ROLES, ROOT
from tests.deploy.local_containers import make_secrets

DOCS = ROOT / "docs"
OPERATING = (DOCS / "explanation" / "operating.md").read_text()
KUBERNETES = (DOCS / "how-to" / "run-on-kubernetes.md").read_text()


def test_a_release_goes_to_those_who_are_asked_before_those_who_ask() -> None:
    loop = re.search(r"for role in ([^;]+); do\n[^\n]*set image", KUBERNETES)
    assert loop is not None
    order = [role.replace("-", ".") for role in loop[1].replace("\\\n", " ").split()]
    assert sorted(order) == sorted(ROLES)
    for place, role in enumerate(order):
        late = {peer for peer in PEERS[role] if order.index(peer) > place}
        assert not {peer for peer in late if peer.partition(".")[0] != role.partition(".")[0]}, role


def test_the_sockets_of_one_gateway_are_as_many_as_it_takes() -> None:
    told = f"{LIVE_CONNECTIONS_MAX:,}"
    assert f"{told} of them, the most that one gateway takes" in OPERATING
    assert f"gateways of {told}" in (DOCS / "explanation" / "scaling.md").read_text()
    assert f"{told} connections at each gateway" in (DOCS / "reference" / "live.md").read_text()


def test_a_service_that_stops_is_waited_for_as_long_as_is_said() -> None:
    told = f"| What has begun when a service stops (`sigdep run`) | {DRAIN_SECONDS:g} seconds"
    assert told in (DOCS / "reference" / "grpc.md").read_text()


def test_every_secret_is_named_where_it_is_said_what_must_be_kept(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    listed = OPERATING.partition("## The secrets")[2].partition("\n## ")[0]
    rows = set(re.findall(r"^\| `([\w.-]+)` \|", listed, re.MULTILINE))
    assert rows == {path.name for path in (tmp_path / "sigdep").iterdir()}


def test_connections_to_postgresql_are_as_many_as_the_code_may_open() -> None:
    keys, log = connecting.READ_CONNECTIONS_MAX, connecting.READ_CONNECTIONS_MAX + 1 + 1  # To append, and to listen.
    reading = keys + read_store.CONNECTIONS_MAX + lease.CONNECTIONS_MAX
    writing = reading + log
    reminding = writing + 1  # The database's clock.
    of_each = keys + 4 * reading + 3 * writing + reminding
    told = [int(number) for number in re.findall(r"^\| [^|]+ \| \*?\*?(\d+)\*?\*? \|", _connections(), re.MULTILINE)]
    assert told == [keys, reading, writing, reminding, of_each, 2 * of_each, 3 * of_each]


def _connections() -> str:
    return OPERATING.partition("### Connections")[2].partition("\n## ")[0].partition("\n### ")[0]

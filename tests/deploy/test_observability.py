"""Dashboard and alerts ask for figures that a running server has, and the rules fire when they should."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sigdep.adapters.redis.news import RedisNews
from sigdep.services.distributed.cluster import TARGETS
from sigdep.services.distributed.shared_figures import SharedFigures
from sigdep.services.outcome_figures import HOT_LISTS, SEARCHES, OutcomeFigures
from sigdep.testing.running_server import running_server
from tests.deploy.documents import DEPLOY, ROOT, compose, documents_of, tool

RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"
REFERENCE: Final = ROOT / "docs" / "reference" / "metrics.md"

DASHBOARD: Final[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "sigdep.json").read_text())
PANELS: Final[list[dict[str, Any]]] = DASHBOARD["panels"]
ALERTS: Final[list[dict[str, Any]]] = documents_of(RULES.read_text())[0]["groups"][0]["rules"]

OF_PROMETHEUS: Final = {"up"}
"""What it says of a target by itself."""

QUESTIONS: Final = [
    *(target["expr"] for panel in PANELS for target in panel.get("targets", ())),
    *(alert["expr"] for alert in ALERTS),
]


Labels = dict[str, list[dict[str, str]]]
"""The labels of every series, by the series' name."""


@pytest.fixture(scope="module")
def embedded() -> Iterator[list[str]]:
    """What a server shows that has answered something, as pages of Prometheus' text format."""
    with running_server() as server:
        yield [asked(server.url)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[str]]:
    """The same of every process of a cluster."""
    with running_server(mode="cluster") as server:
        asked(server.url)
        targets = json.loads((server.data / TARGETS).read_bytes())
        yield [httpx.get(f"http://{target['targets'][0]}/metrics", timeout=20).text for target in targets]
        server.stop()


def asked(url: str) -> str:
    """Ask for a few things, and then for the figures."""
    with httpx.Client(base_url=url, timeout=20) as client:
        client.get("/api/tasks")
        client.get("/api/feed")
        password = "correct horse battery staple"
        client.post("/api/users", json={"email": "ada@example.org", "password": password, "name": "Ada"})
        session = client.post("/api/sessions", json={"email": "ada@example.org", "password": password}).json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        written = client.post("/api/tasks", json={"title": "Buy milk"})
        position = written.headers["Sigdep-Position"]
        client.get("/api/tasks", headers={"Sigdep-Min-Position": position}).raise_for_status()
        return client.get("/metrics").text


@pytest.fixture(scope="module")
def figures(embedded: list[str], cluster: list[str]) -> Labels:
    return labels_in([*embedded, *cluster, _where_it_is_set()])


def labels_in(pages: Sequence[str]) -> Labels:
    found: Labels = {}
    for line in "\n".join(pages).splitlines():
        series = re.match(r"(\w+)(?:\{(.*)\})? ", line)
        if series is not None:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', series[2] or ""))
            found.setdefault(series[1], []).append(labels)
    return found


def families_in(pages: Sequence[str]) -> dict[str, tuple[str, str, set[str]]]:
    """Type, meaning and labels of every family of ours, by its name."""
    found: dict[str, tuple[str, str, set[str]]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            if not name.startswith("sigdep_") or name.endswith("_created"):
                continue
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            known = found.get(name, ("", "", set[str]()))
            found[name] = (family.type, family.documentation, labels | known[2])
    return found


def _where_it_is_set() -> str:
    """What there is besides where processes share a Redis, or ask a search index."""
    registry = CollectorRegistry()
    registry.register(SharedFigures([RedisNews("redis://127.0.0.1:6379/0")]))
    registry.register(OutcomeFigures(SEARCHES, {"narrowed": 0}))
    registry.register(OutcomeFigures(HOT_LISTS, {"given": 0}))
    return generate_latest(registry).decode()


def named(question: str) -> set[str]:
    return set(re.findall(r"\b(sigdep_\w+|process_\w+|up)\b(?=\{)", question))


def test_every_figure_that_is_asked_for_is_there(figures: Labels) -> None:
    asked = {name for question in QUESTIONS for name in named(question)}
    assert len(asked) > 10
    assert asked - OF_PROMETHEUS <= set(figures)
    assert all(named(question) for question in QUESTIONS)


def test_every_label_that_is_asked_for_is_there(figures: Labels) -> None:
    """Those that a scrape adds, job and instance, are Prometheus's own."""
    for question in QUESTIONS:
        for name, selector in re.findall(r"\b(sigdep_\w+)\{([^}]*)\}", question):
            wanted = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) - {"job", "instance"}
            grouped = {word.strip() for group in re.findall(r"by \(([^)]*)\)", question) for word in group.split(",")}
            there = {label for labels in figures[name] for label in labels}
            assert wanted <= there, f"{name}: {wanted - there}"
            assert grouped - {"instance"} <= there | {"le"}, f"{name}: {grouped}"


def test_no_figure_of_ours_is_left_out_of_the_dashboard(figures: Labels) -> None:
    shown = {family_of(name) for question in QUESTIONS for name in named(question)}
    ours = {family_of(name) for name in figures if name.startswith("sigdep_") and not name.endswith("_created")}
    assert ours - shown == set()


def family_of(series: str) -> str:
    return re.sub("_(bucket|sum|count)$", "", series)


def test_the_reference_says_of_every_figure_what_it_is(embedded: list[str], cluster: list[str]) -> None:
    pattern = r"^\| `(sigdep_\w+)` \| (\w+) \| ([^|]*) \| (.*?) \|$"
    rows = re.findall(pattern, REFERENCE.read_text(), re.MULTILINE)
    told = {name: (kind, meaning, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, meaning in rows}
    assert told == families_in([*embedded, *cluster, _where_it_is_set()])


def test_one_process_shows_what_several_show_but_for_what_only_they_have(
    embedded: list[str], cluster: list[str]
) -> None:
    only_of_services = ("sigdep_peer_", "sigdep_broker_", "sigdep_lease_", "sigdep_redis_", "sigdep_hot_")
    of_services = {name for name, (_, _, labels) in families_in(cluster).items() if labels or "_trace" in name}
    of_one = {name for name, (_, _, labels) in families_in(embedded).items() if labels or "_trace" in name}
    assert {name for name in of_services - of_one if not name.startswith(only_of_services)} == set()


def test_labels_are_bounded(embedded: list[str], cluster: list[str]) -> None:
    """Whatever is asked: nothing of a request, a person or a thing is a label."""
    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{16}|@")
    for name, series in labels_in([*embedded, *cluster]).items():
        assert not [labels for labels in series if any(ids.search(value) for value in labels.values())], name


def test_the_feed_that_waits_for_news_is_left_out_of_durations(figures: Labels) -> None:
    routes = {labels["route"] for labels in figures["sigdep_http_request_seconds_count"]}
    left_out = {route for question in QUESTIONS for route in re.findall(r'route!="([^"]+)"', question)}
    assert left_out == {"/api/feed"}
    assert left_out <= routes


def test_every_panel_says_what_it_shows_and_none_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_alert_says_what_it_means_and_how_urgent_it_is() -> None:
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert set(alert["annotations"]) == {"summary", "description"}
        assert 'job="sigdep"' in alert["expr"]
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)


def test_prometheus_reads_the_rules() -> None:
    program = tool("promtool")
    done = subprocess.run([program, "check", "rules", RULES], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_reads_what_it_is_to_scrape_and_finds_every_role_of_the_compose_file() -> None:
    program = tool("promtool")
    file = RULES.with_name("prometheus.yaml")
    done = subprocess.run([program, "check", "config", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = documents_of(file.read_text())[0]["scrape_configs"]
    assert job["job_name"] == "sigdep"
    ports = {name: str(found["port"]) for found in job["dns_sd_configs"] for name in found["names"]}
    services = {name: s["environment"] for name, s in compose()["services"].items() if s["command"][0] == "run"}
    assert ports == {name: told.get("SIGDEP_METRICS_PORT", told.get("SIGDEP_PORT")) for name, told in services.items()}


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    program = tool("promtool")
    rules = RULES.with_name("alerts_test.yaml")
    done = subprocess.run([program, "test", "rules", rules], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_understands_every_question_of_the_dashboard(tmp_path: Path) -> None:
    """As rules, since that is what promtool reads."""
    program = tool("promtool")
    filled = [
        target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
        for panel in PANELS
        for target in panel.get("targets", ())
    ]
    rules = [{"record": f"panel:number{number}", "expr": question} for number, question in enumerate(filled)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([program, "check", "rules", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(filled)} rules found" in done.stdout

"""Dashboard and alerts ask for figures that a running server has, and the rules fire when they should."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sigdep.adapters.redis.news import RedisNews
from sigdep.services.distributed.shared_figures import SharedFigures
from sigdep.testing.running_server import running_server
from tests.deploy.documents import DEPLOY, documents_of, tool

PROMTOOL_HOW: Final = "go install -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool@v0.316.0"
RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"

DASHBOARD: Final[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "sigdep.json").read_text())
PANELS: Final[list[dict[str, Any]]] = DASHBOARD["panels"]
ALERTS: Final[list[dict[str, Any]]] = documents_of(RULES.read_text())[0]["groups"][0]["rules"]

OF_PROMETHEUS: Final = {"up"}
"""What it says of a target by itself."""

QUESTIONS: Final = [
    *(target["expr"] for panel in PANELS for target in panel.get("targets", ())),
    *(alert["expr"] for alert in ALERTS),
]


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, list[dict[str, str]]]]:
    """The labels of every series of a server that has answered something, by the series' name."""
    with running_server() as server, httpx.Client(base_url=server.url, timeout=20) as client:
        client.get("/api/tasks")
        client.get("/api/feed")
        found: dict[str, list[dict[str, str]]] = {}
        for line in (client.get("/metrics").text + _of_sharing()).splitlines():
            series = re.match(r"(\w+)(?:\{(.*)\})? ", line)
            if series is not None:
                labels = dict(re.findall(r'(\w+)="([^"]*)"', series[2] or ""))
                found.setdefault(series[1], []).append(labels)
        yield found


def _of_sharing() -> str:
    """What a gateway has besides, where it shares something."""
    registry = CollectorRegistry()
    registry.register(SharedFigures([RedisNews("redis://127.0.0.1:6379/0")]))
    return generate_latest(registry).decode()


def named(question: str) -> set[str]:
    return set(re.findall(r"\b(sigdep_\w+|up)\b(?=\{)", question))


def test_every_figure_that_is_asked_for_is_there(figures: dict[str, list[dict[str, str]]]) -> None:
    asked = {name for question in QUESTIONS for name in named(question)}
    assert len(asked) > 10
    assert asked - OF_PROMETHEUS <= set(figures)
    assert all(named(question) for question in QUESTIONS)


def test_every_label_that_is_asked_for_is_there(figures: dict[str, list[dict[str, str]]]) -> None:
    """Those that a scrape adds, job and instance, are Prometheus's own."""
    for question in QUESTIONS:
        for name, selector in re.findall(r"\b(sigdep_\w+)\{([^}]*)\}", question):
            wanted = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) - {"job", "instance"}
            grouped = {word.strip() for group in re.findall(r"by \(([^)]*)\)", question) for word in group.split(",")}
            there = {label for labels in figures[name] for label in labels}
            assert wanted <= there, f"{name}: {wanted - there}"
            assert grouped - {"instance"} <= there | {"le"}, f"{name}: {grouped}"


def test_no_figure_of_ours_is_left_out_of_the_dashboard(figures: dict[str, list[dict[str, str]]]) -> None:
    shown = {name for question in QUESTIONS for name in named(question)}
    ours = {name for name in figures if name.startswith("sigdep_") and not name.endswith("_created")}
    assert ours - shown == set()


def test_the_feed_that_waits_for_news_is_left_out_of_durations(figures: dict[str, list[dict[str, str]]]) -> None:
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
    program = tool("promtool", PROMTOOL_HOW)
    done = subprocess.run([program, "check", "rules", RULES], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    program = tool("promtool", PROMTOOL_HOW)
    rules = RULES.with_name("alerts_test.yaml")
    done = subprocess.run([program, "test", "rules", rules], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_understands_every_question_of_the_dashboard(tmp_path: Path) -> None:
    """As rules, since that is what promtool reads."""
    program = tool("promtool", PROMTOOL_HOW)
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

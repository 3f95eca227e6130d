"""Prometheus for tests, as Debian packages it."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sigdep.testing.broker_servers import BrokerServer, installed
from sigdep.testing.ports import HOST

SCRAPE_SECONDS = 1


class PrometheusServer(BrokerServer):
    """Scrapes what stands in `targets`, a file that it reads again when it changes."""

    name = "Prometheus"

    @property
    def targets(self) -> Path:
        return self.folder / "targets.json"

    def command(self) -> Sequence[str]:
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": f"{SCRAPE_SECONDS}s"},
            "scrape_configs": [
                {
                    "job_name": "sigdep",
                    "file_sd_configs": [{"files": [str(self.targets)], "refresh_interval": "1s"}],
                }
            ],
        }
        file = self.folder / "prometheus.yaml"  # JSON is YAML.
        file.write_text(json.dumps(configuration))
        return (
            installed("prometheus", self.name),
            f"--config.file={file}",
            f"--storage.tsdb.path={self.data}",
            f"--web.listen-address={HOST}:{self.port}",
        )

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    def scrape(self, targets: Sequence[Mapping[str, Any]]) -> None:
        """From now on these, as `file_sd_configs` has them."""
        self.targets.write_text(json.dumps(targets))

    def query(self, question: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The value of each series at present, by its labels in order."""
        url = f"http://{HOST}:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": question})
        with urllib.request.urlopen(url, timeout=10) as answer:
            said = json.loads(answer.read())
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in said["data"]["result"]}

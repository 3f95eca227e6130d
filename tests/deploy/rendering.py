"""The chart as helm renders it, and where to look in it."""

import subprocess
from collections.abc import Sequence
from typing import Any, Final

from tests.deploy.documents import CHART, ROLES, documents_of, tool

REQUIRED: Final = ("image.repository=registry.example.org/sigdep", "publicUrl=https://tasks.example.org")
EVERYTHING: Final = (
    *REQUIRED,
    "ingress.enabled=true",
    "ingress.host=tasks.example.org",
    "ingress.tlsSecret=certificate",
    "metrics.serviceMonitor.enabled=true",
    "search.existingSecret=search",
    "traces.endpoint=http://collector:4318",
    *(f"roles.{role.replace('.', '-')}.autoscaling.enabled=true" for role in ROLES),
)


def helm(command: str, *arguments: str, values: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    program = tool("helm", needs="go")
    options = [f"--set{'-json' if value.partition('=')[2][:1] in ('[', '{') else ''}={value}" for value in values]
    return subprocess.run(
        [program, command, *arguments, "--kube-version=1.33.0", *options], capture_output=True, text=True, timeout=60
    )


def rendered(*values: str) -> list[dict[str, Any]]:
    done = helm("template", "sigdep", str(CHART), values=values)
    assert done.returncode == 0, done.stderr
    return documents_of(done.stdout)


def of_kind(kind: str, documents: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By role."""
    found = [document for document in documents if document["kind"] == kind]
    label = "app.kubernetes.io/component"
    return {document["metadata"]["labels"][label].replace("-", "."): document for document in found}


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def environment(deployment: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container(deployment)["env"]}

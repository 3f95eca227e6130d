"""The chart: what can be seen in its files, and, where helm is on the machine, what it renders."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from sigdep.services.secret_files import SecretsExposed
from sigdep.services.server_secrets import load_secrets
from tests.deploy.documents import (
    CHART,
    IMAGE_USER,
    PEERS,
    ROLES,
    ROOT,
    SETTINGS,
    compose,
    documents_of,
    told_of,
)
from tests.deploy.kubernetes_types import faults
from tests.deploy.local_containers import make_secrets
from tests.deploy.rendering import EVERYTHING, REQUIRED, container, environment, helm, of_kind, rendered

VALUES: Final[dict[str, Any]] = documents_of((CHART / "values.yaml").read_text())[0]
SCHEMA: Final[dict[str, Any]] = json.loads((CHART / "values.schema.json").read_text())


# ── the files ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_values_fit_their_schema_and_it_knows_all_of_them() -> None:
    jsonschema.validate(VALUES, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(VALUES | {"replicas": 2}, SCHEMA)


def test_every_group_of_values_is_explained() -> None:
    text = (CHART / "values.yaml").read_text()
    groups = re.split(r"\n\n", text)[1:]
    assert len(groups) >= len(VALUES)
    assert [group for group in groups if not re.search(r"^ *# \w", group, re.MULTILINE)] == []


def test_the_chart_knows_whom_each_role_asks() -> None:
    text = (CHART / "templates" / "_helpers.tpl").read_text()
    table = re.search(r'define "sigdep.asks" -}}\n(.*?)\{\{- end', text, re.DOTALL)
    assert table is not None
    asks = documents_of(table[1])[0]
    assert {role.replace("-", "."): {peer.replace("-", ".") for peer in peers} for role, peers in asks.items()} == PEERS


def test_every_role_has_values() -> None:
    assert sorted(role.replace("-", ".") for role in VALUES["roles"]) == sorted(ROLES)
    assert sorted(SCHEMA["properties"]["roles"]["required"]) == sorted(VALUES["roles"])


# ── what is rendered ──────────────────────────────────────────────────────────────────────────────────


def test_helm_finds_no_fault() -> None:
    done = helm("lint", str(CHART), "--strict", values=EVERYTHING)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("missing", REQUIRED)
def test_what_has_no_default_is_asked_for(missing: str) -> None:
    done = helm("template", "sigdep", str(CHART), values=[value for value in REQUIRED if value != missing])
    assert done.returncode != 0
    assert f"{missing.partition('=')[0]} is required" in done.stderr


def test_a_misspelt_value_is_refused() -> None:
    done = helm("template", "sigdep", str(CHART), values=(*REQUIRED, "roles.gatway.replicas=2"))
    assert done.returncode != 0
    assert "gatway" in done.stderr


OPTIONAL = {
    "gateway": ("TRUSTED_PROXIES",),
    "notifications-write": ("SMTP_URL", "SMTP_FROM", "FCM_ACCOUNT", "VAPID_SUBJECT", "OUTGOING_ALLOW"),
}
"""What the compose file has variables for, and the chart no values of their own."""


def test_a_role_is_set_as_in_the_compose_file() -> None:
    everything = [
        "redis.url=redis://redis:6379/0",
        "search.existingSecret=search",
        "traces.endpoint=http://collector:4318",
    ]
    for role, names in OPTIONAL.items():
        variables = json.dumps([{"name": f"SIGDEP_{name}", "value": "set"} for name in names])
        everything.append(f"roles.{role}.extraEnv={variables}")
    deployments = of_kind("Deployment", rendered(*REQUIRED, *everything))
    services = {s["command"][1]: s for s in compose()["services"].values() if s["command"][0] == "run"}
    assert set(deployments) == set(ROLES)
    for role, deployment in deployments.items():
        ours = environment(deployment)
        theirs = {name for name in services[role]["environment"] if name.startswith("SIGDEP_")}
        assert set(ours) - {"SIGDEP_INSTANCE"} == theirs - {"SIGDEP_INSTANCE"}  # A pod has a name of its own.
        assert set(ours) <= SETTINGS
        assert told_of(ours) == PEERS[role]
        assert container(deployment)["args"] == ["run", role]


def test_an_address_of_a_role_is_a_service_that_stands_for_its_replicas() -> None:
    documents = rendered(*REQUIRED)
    services = {s["metadata"]["name"]: s for s in documents if s["kind"] == "Service"}
    for role, deployment in of_kind("Deployment", documents).items():
        for peer in PEERS[role]:
            address = environment(deployment)[f"SIGDEP_{peer.replace('.', '_').upper()}"]
            found = re.fullmatch(r"dns:///([\w-]+):(\d+)", address)
            assert found is not None, address
            service = services[found[1]]
            assert service["spec"]["clusterIP"] == "None"
            assert service["spec"]["ports"][0]["port"] == int(found[2])
            pods = of_kind("Deployment", documents)[peer]["spec"]["template"]["metadata"]["labels"]
            assert service["spec"]["selector"].items() <= pods.items()


def test_no_pod_is_more_than_it_must_be() -> None:
    for deployment in of_kind("Deployment", rendered(*REQUIRED)).values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert str(pod["securityContext"]["runAsUser"]) == IMAGE_USER
        assert pod["automountServiceAccountToken"] is False
        # Else Kubernetes sets SIGDEP_GATEWAY_PORT and more of that kind, and no role starts.
        assert pod["enableServiceLinks"] is False
        for one in (*pod["initContainers"], *pod["containers"]):
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in one["resources"]["limits"]


def test_health_is_asked_where_the_role_answers() -> None:
    for role, deployment in of_kind("Deployment", rendered(*REQUIRED)).items():
        spec, variables = container(deployment), environment(deployment)
        port = spec["ports"][0]["containerPort"]
        if role == "gateway":
            assert str(port) == variables["SIGDEP_PORT"]
            # Not /health/ready: one context that is away would take all gateways from the others.
            assert spec["readinessProbe"]["httpGet"]["path"] == "/health/live"
        else:
            assert str(port) == variables["SIGDEP_RPC_PORT"]
            assert spec["readinessProbe"]["grpc"]["port"] == port
        assert {"startupProbe", "livenessProbe", "lifecycle"} <= set(spec)


def test_every_role_has_a_port_at_which_its_figures_are_found() -> None:
    documents = rendered(*EVERYTHING)
    (monitor,) = [document for document in documents if document["kind"] == "ServiceMonitor"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    scraped = {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
    deployments = of_kind("Deployment", documents)
    for role, service in of_kind("Service", documents).items():
        assert wanted <= service["metadata"]["labels"].items()
        (port,) = [port for port in service["spec"]["ports"] if port["name"] in scraped]
        (exposed,) = [p for p in container(deployments[role])["ports"] if p["name"] == port["targetPort"]]
        variable = "SIGDEP_PORT" if role == "gateway" else "SIGDEP_METRICS_PORT"
        assert environment(deployments[role])[variable] == str(exposed["containerPort"])
        admitted = of_kind("NetworkPolicy", documents)[role]["spec"]["ingress"]
        assert any(rule["ports"] == [{"port": port["targetPort"]}] for rule in admitted)


def test_a_release_is_rolled_out_without_a_gap_and_nodes_are_drained_one_by_one() -> None:
    documents = rendered(*REQUIRED)
    for deployment in of_kind("Deployment", documents).values():
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert deployment["spec"]["replicas"] >= 2
    assert set(of_kind("PodDisruptionBudget", documents)) == set(ROLES)


def test_an_autoscaler_is_not_held_back_by_a_number_of_replicas() -> None:
    documents = rendered(*EVERYTHING)
    assert set(of_kind("HorizontalPodAutoscaler", documents)) == set(ROLES)
    assert all("replicas" not in deployment["spec"] for deployment in of_kind("Deployment", documents).values())


def test_an_autoscaler_goes_by_the_core_that_a_process_uses_whatever_is_requested() -> None:
    """Of a request that is a quarter of a core 70 % are reached by a replica that has next to nothing to do."""
    for scaler in of_kind("HorizontalPodAutoscaler", rendered(*EVERYTHING)).values():
        (metric,) = scaler["spec"]["metrics"]
        assert metric["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "700m"}}
    assert "Autoscale at 70 % of one core" in (ROOT / "docs" / "explanation" / "operating.md").read_text()


def test_the_init_container_makes_secrets_that_services_accept(tmp_path: Path) -> None:
    """The command as it is rendered, on files that the group can read, as Kubernetes mounts them."""
    make_secrets(tmp_path)
    mounted, made = tmp_path / "sigdep", tmp_path / "made"
    made.mkdir()
    before = load_secrets(mounted)
    for path in mounted.iterdir():
        path.chmod(0o440)
    with pytest.raises(SecretsExposed):
        load_secrets(mounted)
    pod = of_kind("Deployment", rendered(*REQUIRED))["gateway"]["spec"]["template"]["spec"]
    command = " ".join(pod["initContainers"][0]["command"])
    command = command.replace("/mnt/secrets", str(mounted)).replace("/secrets/sigdep", str(made))
    subprocess.run(command.split(), check=True)
    assert {path.name for path in made.iterdir()} == {path.name for path in mounted.iterdir()}
    after = load_secrets(made)
    assert vars_of(after) == vars_of(before)
    (mounted / "token-key").unlink()
    assert subprocess.run(command.split(), capture_output=True).returncode != 0


def vars_of(secrets: object) -> dict[str, object]:
    return {name: getattr(secrets, name) for name in secrets.__dataclass_fields__}  # type: ignore[attr-defined]


def test_every_field_of_every_manifest_is_one_that_kubernetes_knows() -> None:
    manifests = [one for one in rendered(*EVERYTHING) if one["kind"] != "ServiceMonitor"]  # The operator's own.
    assert len(manifests) > 4 * len(ROLES)
    assert [fault for manifest in manifests for fault in faults(manifest)] == []
    deployment = of_kind("Deployment", manifests)["gateway"]
    container(deployment).update({"livenesProbe": {}, "args": "run gateway"})
    assert faults(deployment) == [
        "Deployment.spec.template.spec.containers[0].args is no list",
        "Deployment.spec.template.spec.containers[0].livenesProbe is not known",
    ]

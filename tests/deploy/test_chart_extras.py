"""What an operator adds to the roles: variables, files, and whom to trust on the way to servers."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.deploy.documents import CHART, ROLES, ROOT, SETTINGS, documents_of
from tests.deploy.kubernetes_types import faults
from tests.deploy.rendering import REQUIRED, container, environment, helm, of_kind, rendered

GUIDE = ROOT / "docs" / "how-to" / "run-on-kubernetes.md"
EVERYBODY = set(ROLES)
SERVERS: dict[str, tuple[set[str], str, str]] = {
    "broker": (EVERYBODY, "broker.url=tls://nats:4222", "SIGDEP_BROKER_AUTHORITY"),
    "redis": ({"gateway", "users.read", "tasks.read"}, "redis.url=rediss://redis:6379/0", "SIGDEP_REDIS_AUTHORITY"),
    "search": ({"tasks.read"}, "search.existingSecret=search", "SIGDEP_SEARCH_AUTHORITY"),
    "databases": (EVERYBODY, "databases.existingSecret=urls", "PGSSLROOTCERT"),
}
"""Who goes there, what makes them do so, and what names the authority to them."""

MAIL_SECRET = '{"secretKeyRef":{"name":"mail","key":"url"}}'
MAIL = f'roles.notifications-write.extraEnv=[{{"name":"SIGDEP_SMTP_URL","valueFrom":{MAIL_SECRET}}}]'


def mounted(deployment: dict[str, Any]) -> dict[str, str]:
    """The volume behind each place of the role's container."""
    return {mount["mountPath"]: mount["name"] for mount in container(deployment)["volumeMounts"]}


def volume(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in deployment["spec"]["template"]["spec"]["volumes"] if one["name"] == name]
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("server", SERVERS)
def test_whoever_goes_to_a_server_has_its_authority_and_nobody_else(server: str) -> None:
    going, value, variable = SERVERS[server]
    documents = rendered(*REQUIRED, value, f"{server}.tls.existingSecret=authority")
    for role, deployment in of_kind("Deployment", documents).items():
        told = environment(deployment).get(variable)
        assert (told is not None) == (role in going), role
        if told is not None:
            place, _, file = told.rpartition("/")
            assert file == "ca.crt"
            assert volume(deployment, mounted(deployment)[place])["secret"]["secretName"] == "authority"
        assert not [name for name in environment(deployment) if name.endswith(("_CERTIFICATE", "_KEY"))]
        assert faults(deployment) == []


@pytest.mark.parametrize("server", ["broker", "redis"])
def test_a_server_that_wants_to_know_who_comes_is_shown_a_certificate(server: str) -> None:
    going, value, _ = SERVERS[server]
    given = (value, f"{server}.tls.existingSecret=both", f"{server}.tls.clientCertificate=true")
    for role, deployment in of_kind("Deployment", rendered(*REQUIRED, *given)).items():
        if role in going:
            prefix = f"SIGDEP_{server.upper()}"
            named = {environment(deployment)[f"{prefix}_{name}"] for name in ("AUTHORITY", "CERTIFICATE", "KEY")}
            assert named == {f"/tls/{server}/{file}" for file in ("ca.crt", "tls.crt", "tls.key")}
            assert {name for name in environment(deployment) if name.startswith(prefix)} <= SETTINGS


@pytest.mark.parametrize("server", SERVERS)
def test_without_a_secret_everybody_trusts_whom_the_system_trusts(server: str) -> None:
    _, value, variable = SERVERS[server]
    for deployment in of_kind("Deployment", rendered(*REQUIRED, value)).values():
        assert variable not in environment(deployment)
        assert not [place for place in mounted(deployment) if place.startswith("/tls")]


@pytest.mark.parametrize(
    "value, going",
    [("networkPolicy.brokerPort=5551", EVERYBODY), ("networkPolicy.redisPort=6380", SERVERS["redis"][0])],
)
def test_ports_of_tls_can_be_reached(value: str, going: set[str]) -> None:
    port = int(value.partition("=")[2])
    policies = of_kind("NetworkPolicy", rendered(*REQUIRED, SERVERS["redis"][1], value))
    rules = {role: policy["spec"]["egress"] for role, policy in policies.items()}
    assert {role for role in rules if {"ports": [{"port": port}]} in rules[role]} == going


def test_a_role_is_given_variables_from_secrets_and_files_of_its_own() -> None:
    documents = rendered(
        *REQUIRED,
        MAIL,
        'roles.notifications-write.extraVolumes=[{"name":"fcm","secret":{"secretName":"sigdep-fcm"}}]',
        'roles.notifications-write.extraVolumeMounts=[{"name":"fcm","mountPath":"/etc/sigdep","readOnly":true}]',
    )
    for role, deployment in of_kind("Deployment", documents).items():
        given = role == "notifications.write"
        assert ("SIGDEP_SMTP_URL" in environment(deployment)) is given
        assert (mounted(deployment).get("/etc/sigdep") == "fcm") is given
        assert faults(deployment) == []
        if given:
            assert environment(deployment)["SIGDEP_SMTP_URL"] == {"secretKeyRef": {"name": "mail", "key": "url"}}
            assert volume(deployment, "fcm")["secret"] == {"secretName": "sigdep-fcm"}


def test_all_roles_are_given_the_same_where_it_is_said_for_all() -> None:
    documents = rendered(
        *REQUIRED,
        MAIL,
        'extraEnv=[{"name":"SSL_CERT_FILE","value":"/authorities/ca.crt"}]',
        'extraVolumes=[{"name":"authorities","configMap":{"name":"authorities"}}]',
        'extraVolumeMounts=[{"name":"authorities","mountPath":"/authorities"}]',
    )
    for role, deployment in of_kind("Deployment", documents).items():
        assert environment(deployment)["SSL_CERT_FILE"] == "/authorities/ca.crt"
        assert mounted(deployment)["/authorities"] == "authorities"
        assert volume(deployment, "authorities")["configMap"] == {"name": "authorities"}
        assert ("SIGDEP_SMTP_URL" in environment(deployment)) is (role == "notifications.write")


@pytest.mark.parametrize(
    "second", ["settings.SIGDEP_SMTP_URL=smtp://mail", 'extraEnv=[{"name":"SIGDEP_SMTP_URL","value":"x"}]']
)
def test_a_variable_that_is_set_twice_is_refused(second: str) -> None:
    done = helm("template", "sigdep", str(CHART), values=(*REQUIRED, MAIL, second))
    assert done.returncode != 0
    assert "notifications-write would have SIGDEP_SMTP_URL twice" in done.stderr


def test_every_example_of_the_guide_is_taken(tmp_path: Path) -> None:
    """Each beside the first one, which has what is required."""
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    first, *others = [dedent(block) for _, block in blocks]
    assert len(others) >= 3
    (tmp_path / "mine.yaml").write_text(first)
    for example in others:
        (tmp_path / "example.yaml").write_text(example)
        files = [f"--values={tmp_path / name}" for name in ("mine.yaml", "example.yaml")]
        done = helm("template", "sigdep", str(CHART), *files, values=())
        assert done.returncode == 0, done.stderr
        documents = documents_of(done.stdout)
        for deployment in of_kind("Deployment", documents).values():
            named = {name for name in environment(deployment) if name.startswith("SIGDEP_")}
            assert named <= SETTINGS
        assert [fault for document in documents for fault in faults(document)] == []

"""Who reaches whom on Kubernetes: those who ask each other, and where somebody must get out."""

from typing import Any

import pytest

from tests.deploy.documents import PEERS, ROLES
from tests.deploy.rendering import EVERYTHING, REQUIRED, environment, of_kind, rendered


@pytest.mark.parametrize("value", ["redis.url=redis://redis:6379/0", "redis.existingSecret=sigdep-redis"])
def test_those_who_share_something_know_redis_and_may_go_there(value: str) -> None:
    without, shared = rendered(*REQUIRED), rendered(*REQUIRED, value)
    for role, deployment in of_kind("Deployment", shared).items():
        assert ("SIGDEP_REDIS_URL" in environment(deployment)) == (role in ("gateway", "users.read", "tasks.read"))
    for documents, roles in ((without, set()), (shared, {"gateway", "users.read", "tasks.read"})):
        allowed = {
            role
            for role, policy in of_kind("NetworkPolicy", documents).items()
            if any(port["port"] == 6379 for rule in policy["spec"]["egress"] for port in rule["ports"])
        }
        assert allowed == roles


def test_only_whoever_asks_a_role_can_reach_it() -> None:
    documents = rendered(*REQUIRED)
    policies = of_kind("NetworkPolicy", documents)
    assert set(policies) == set(ROLES)
    label = "app.kubernetes.io/component"
    for role, policy in policies.items():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        if role != "gateway":
            admitted = [peer["podSelector"]["matchLabels"][label] for peer in policy["spec"]["ingress"][0]["from"]]
            assert {name.replace("-", ".") for name in admitted} == {who for who in PEERS if role in PEERS[who]}
        reached = {
            peer["podSelector"]["matchLabels"][label].replace("-", ".")
            for rule in policy["spec"]["egress"]
            for peer in rule.get("to", ())
        }
        assert reached == PEERS[role]


def test_a_broker_whose_address_is_a_secret_is_not_named_and_may_be_reached() -> None:
    documents = rendered(*REQUIRED, "broker.existingSecret=broker", "networkPolicy.brokerPort=5552")
    for deployment in of_kind("Deployment", documents).values():
        told = environment(deployment)["SIGDEP_BROKER_URL"]
        assert told == {"secretKeyRef": {"name": "broker", "key": "url"}}
    for policy in of_kind("NetworkPolicy", documents).values():
        assert {"ports": [{"port": 5552}]} in policy["spec"]["egress"]


def test_only_who_searches_knows_the_search_server_and_reaches_it() -> None:
    def ports(policy: dict[str, Any]) -> set[Any]:
        return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}

    documents = rendered(*REQUIRED, "search.existingSecret=search", "networkPolicy.searchPort=9201")
    deployments, policies = of_kind("Deployment", documents), of_kind("NetworkPolicy", documents)
    told = {role for role, deployment in deployments.items() if "SIGDEP_SEARCH_URL" in environment(deployment)}
    assert told == {role for role, policy in policies.items() if 9_201 in ports(policy)} == {"tasks.read"}
    assert "SIGDEP_SEARCH_URL" not in environment(of_kind("Deployment", rendered(*REQUIRED))["tasks.read"])


def test_traces_go_where_the_operator_says_and_nowhere_else() -> None:
    for role, deployment in of_kind("Deployment", rendered(*EVERYTHING)).items():
        assert environment(deployment)["SIGDEP_OTLP_ENDPOINT"] == "http://collector:4318", role
        assert environment(deployment)["SIGDEP_TRACE_RATIO"] == "0.01"
    silent = rendered(*REQUIRED)
    assert all("SIGDEP_OTLP_ENDPOINT" not in environment(one) for one in of_kind("Deployment", silent).values())
    for policies, expected in ((rendered(*EVERYTHING), True), (silent, False)):
        for policy in of_kind("NetworkPolicy", policies).values():
            ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
            assert (4318 in ports) is expected

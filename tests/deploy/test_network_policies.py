"""Who reaches whom on Kubernetes: those who ask each other, and where somebody must get out."""

from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.smtp.server import MailServer
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
            if "podSelector" in peer
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


# ── outside ───────────────────────────────────────────────────────────────────────────────────────────

MAIL = ("smtp://mail.example.org", "smtps://mail.example.org", "smtp+plain://mail.example.org")
WEBHOOKS = ("https://hooks.example.com", "https://hooks.example.com:80", "https://hooks.example.com:1024",
            "https://hooks.example.com:65535")  # fmt: skip


@cache
def outgoing(*values: str) -> dict[str, list[dict[str, Any]]]:
    """What each role may send that is neither to another role, nor to an engine: by role, where there is something."""
    found = {}
    for role, policy in of_kind("NetworkPolicy", rendered(*REQUIRED, *values)).items():
        engines = [{"port": port} for port in (5432, 4222, 50051)]
        others = [rule for rule in policy["spec"]["egress"] if rule["ports"][0] not in engines]
        found[role] = [rule for rule in others if rule["ports"][0]["port"] != 53]
    return {role: rules for role, rules in found.items() if rules}


def lets_out(rule: dict[str, Any], address: str) -> bool:
    blocks = [peer["ipBlock"] for peer in rule["to"]]
    return any(
        ip_address(address) in ip_network(block["cidr"])
        and not any(ip_address(address) in ip_network(inside) for inside in block.get("except", ()))
        for block in blocks
    )


def test_only_who_tells_people_may_send_to_outside() -> None:
    assert set(outgoing()) == {"notifications.write"}
    assert outgoing("networkPolicy.outgoingPorts=[]") == {}


def test_every_port_that_mail_servers_and_webhooks_may_have_is_open() -> None:
    (rule,) = outgoing()["notifications.write"]
    wanted = {MailServer.parse(url).port for url in MAIL}
    wanted |= {AddressRules().check(url).port or 443 for url in WEBHOOKS}
    for port in wanted:
        assert any(one["port"] <= port <= one.get("endPort", one["port"]) for one in rule["ports"]), port


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.31.255.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "224.0.0.1", "0.0.0.1",
     "255.255.255.255", "fd00::1", "fe80::1", "::1"],
)  # fmt: skip
def test_nothing_that_people_name_leads_inside(address: str) -> None:
    (rule,) = outgoing()["notifications.write"]
    assert not AddressRules().permits(address, encrypted=True)
    assert not lets_out(rule, address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "223.255.255.1", "2606:4700::1111", "2a00:1450:4001::8a"])
def test_whatever_is_public_can_be_reached(address: str) -> None:
    (rule,) = outgoing()["notifications.write"]
    assert AddressRules().permits(address, encrypted=True)
    assert lets_out(rule, address)


def test_an_operator_lets_in_a_mail_server_of_their_own_or_takes_another_list() -> None:
    inside = "networkPolicy.outgoingInside[0].ipBlock.cidr=10.1.0.0/16"
    (rule,) = outgoing(inside)["notifications.write"]
    assert lets_out(rule, "10.1.0.25")
    assert lets_out(rule, "8.8.8.8")
    assert not lets_out(rule, "10.2.0.25")
    (rule,) = outgoing(inside, "networkPolicy.outgoingTo=[]")["notifications.write"]
    assert lets_out(rule, "10.1.0.25")
    assert not lets_out(rule, "8.8.8.8")

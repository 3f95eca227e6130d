"""The compose file as a document: every role is there, alone with what is its own, and bounded."""

import re
from typing import Any

import pytest

from tests.deploy.documents import COMPOSE, DEPLOY, PEERS, ROLES, ROOT, SETTINGS, compose, is_pinned, told_of

ENGINES = ("postgresql", "nats", "redis")
SERVICES: dict[str, dict[str, Any]] = compose()["services"]
BY_ROLE = {service["command"][1]: service for service in SERVICES.values() if service["command"][0] == "run"}

each_role = pytest.mark.parametrize("role", ROLES)


def test_every_role_is_there_once() -> None:
    assert sorted(BY_ROLE) == sorted(ROLES)
    assert len(SERVICES) == len(ROLES) + len(ENGINES) + 1


@each_role
def test_a_role_is_set_by_settings_that_exist(role: str) -> None:
    named = {name for name in BY_ROLE[role]["environment"] if name.startswith("SIGDEP_")}
    assert named <= SETTINGS
    assert {"SIGDEP_SECRETS_DIR", "SIGDEP_KEYS_URL", "SIGDEP_PUBLIC_URL", "SIGDEP_BROKER_URL"} <= named


def test_those_who_share_something_know_redis_and_nobody_waits_for_it() -> None:
    knowing = {role for role, service in BY_ROLE.items() if "SIGDEP_REDIS_URL" in service["environment"]}
    assert knowing == {"gateway", "users.read", "tasks.read"}
    assert not [name for name, service in SERVICES.items() if "redis" in service.get("depends_on", ())]


@each_role
def test_a_role_knows_those_whom_it_asks_and_nobody_else(role: str) -> None:
    assert told_of(BY_ROLE[role]["environment"]) == PEERS[role]


@each_role
def test_an_address_of_a_role_is_where_that_role_listens(role: str) -> None:
    environment = BY_ROLE[role]["environment"]
    for peer in PEERS[role]:
        target = environment[f"SIGDEP_{peer.replace('.', '_').upper()}"]
        found = re.fullmatch(r"dns:///([\w-]+):(\d+)", target)
        assert found is not None, target
        assert SERVICES[found[1]]["command"] == ["run", peer]
        assert SERVICES[found[1]]["environment"]["SIGDEP_RPC_PORT"] == found[2]


def test_no_two_roles_share_a_database_user_or_a_password_file() -> None:
    urls = [service["environment"].get("SIGDEP_DATABASE_URL") for service in BY_ROLE.values()]
    assert urls.count(None) == 1  # The gateway keeps nothing.
    assert len(set(urls)) == len(ROLES)
    folders = {role: service["volumes"][1]["volume"]["subpath"] for role, service in BY_ROLE.items()}
    assert folders == {role: f"pgpass/{role}" for role in ROLES}


def test_the_init_script_makes_every_database_that_is_named() -> None:
    made = re.search(r"for name in ([\w ]+); do", (DEPLOY / "postgresql" / "10-databases.sh").read_text())
    assert made is not None
    named = {
        url.rsplit("/", 1)[1]
        for service in BY_ROLE.values()
        for name, url in service["environment"].items()
        if name in ("SIGDEP_DATABASE_URL", "SIGDEP_KEYS_URL")
    }
    assert set(made[1].split()) == named


def test_whatever_an_operator_sets_reaches_who_takes_it_and_nobody_else() -> None:
    """By variables of their own, so that the file stays as it is tracked."""
    wanted = {
        "SMTP_URL": {"notifications.write"},
        "SMTP_FROM": {"notifications.write"},
        "VAPID_SUBJECT": {"notifications.write"},
        "OUTGOING_ALLOW": {"notifications.write"},
        "TRUSTED_PROXIES": {"gateway"},
        "SEARCH_URL": {"tasks.read"},
        "OTLP_ENDPOINT": set(ROLES),
        "TRACE_RATIO": set(ROLES),
        "PUBLIC_URL": set(ROLES),
    }
    services = compose({name: f"what {name} says" for name in wanted})["services"]
    told = {role: services[role.replace(".", "-")]["environment"] for role in ROLES}
    for name, roles in wanted.items():
        assert {role for role in ROLES if told[role].get(f"SIGDEP_{name}") == f"what {name} says"} == roles


def test_a_firebase_account_is_mounted_for_who_pushes_and_where_there_is_none_nothing_is_set() -> None:
    place = "/etc/sigdep/firebase.json"
    for given, source, told in (("", "/dev/null", None), ("/srv/account.json", "/srv/account.json", place)):
        service = compose({"FCM_ACCOUNT": given})["services"]["notifications-write"]
        (mount,) = [one for one in service["volumes"] if isinstance(one, dict) and one["type"] == "bind"]
        assert (mount["source"], mount["target"], mount["read_only"]) == (source, place, True)
        assert service["environment"]["SIGDEP_FCM_ACCOUNT"] == told


def test_the_guide_lists_every_variable_that_the_file_takes() -> None:
    taken = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    guide = (ROOT / "docs" / "how-to" / "run-in-containers.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", guide, re.MULTILINE)) == taken


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or name.endswith("_FILE")
            assert not re.search(r"//[^/@]*:[^/@]*@", str(value))


def test_whatever_runs_is_bounded_restarted_and_looked_after() -> None:
    for name in (*ENGINES, *(role.replace(".", "-") for role in ROLES)):
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped"
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
        assert "stop_grace_period" in service
        assert service["logging"]["options"]["max-size"]


def test_our_containers_can_write_nowhere_but_in_their_volumes() -> None:
    for service in (*BY_ROLE.values(), SERVICES["secrets"], SERVICES["nats"], SERVICES["redis"]):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_engines_are_pinned() -> None:
    assert all(is_pinned(SERVICES[name]["image"]) for name in ENGINES)


def test_nobody_outside_reaches_anything_but_the_gateway() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]
    assert compose()["networks"]["inside"] == {"internal": True}
    for name in ENGINES:
        assert SERVICES[name]["networks"] == ["inside"]


def test_those_who_must_get_out_can_each_by_a_network_of_its_own() -> None:
    """The gateway is published by one that is not internal; e-mail and pushes go out; search is anywhere."""
    networks = compose()["networks"]
    ways_out = {
        role: [name for name in service["networks"] if not (networks[name] or {}).get("internal")]
        for role, service in BY_ROLE.items()
    }
    leaving = {role: names for role, names in ways_out.items() if names}
    assert set(leaving) == {"gateway", "notifications.write", "tasks.read"}
    used = [name for names in leaving.values() for name in names]
    assert sorted(used) == sorted(set(networks) - {"inside"})
    assert all("inside" in service["networks"] for service in BY_ROLE.values())


def test_whoever_follows_waits_for_whom_it_follows_and_nobody_waits_in_a_circle() -> None:
    started: set[str] = set()
    waiting = dict(SERVICES)
    while waiting:
        free = [name for name, service in waiting.items() if set(service.get("depends_on", ())) <= started]
        assert free, f"In a circle: {', '.join(waiting)}"
        started.update(free)
        for name in free:
            del waiting[name]
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other == "secrets" else "service_healthy"
            assert how["condition"] == expected, f"{name} → {other}"

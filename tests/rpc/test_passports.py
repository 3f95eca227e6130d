"""Nobody is believed without a passport: who asks, for whom, until when and whom they ask is signed."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt
import msgspec
import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.contracts.ids import UserId
from sigdep.contracts.public_log import EVERY_TYPE
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unauthenticated, Unavailable
from sigdep.kernel.ids import CommandId
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call, Principal, Service
from sigdep.rpc.client import RemoteService
from sigdep.rpc.log import RemoteLog, log_handler
from sigdep.rpc.passports import (
    KNOWN_MAX,
    LEEWAY_SECONDS,
    LIFETIME_SECONDS,
    LIFETIME_SECONDS_MAX,
    Claims,
    NoPassport,
    Passports,
    Sign,
    make_passport,
)
from sigdep.rpc.public_log import RemotePublicLog, public_log_handler
from sigdep.services.published_log import PublishedLog
from sigdep.tasks.commands.tasks import CreateTask
from sigdep.tasks.contract import WRITE
from sigdep.testing.public_log import hear, publish_notes, texts
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing
from tests.rpc.ways import channel_to, serving
from tests.tasks.stories import ADA, HOME, NOON

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SERVICE = "tasks.write"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def principal(**changes: Any) -> Principal:
    return replace(Principal(user_id=ADA, personal_workspace_id=HOME, roles={HOME: "owner"}), **changes)


def call(passport: str | None, **fields: Any) -> Call:
    return Call(asked_at=NOON, command_id=CommandId(uuid7()), passport=passport, **fields)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ours(clock: Clock) -> Passports:
    return Passports(KEY, issuer="gateway", now=clock)


# ── one passport ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", [None, principal(), principal(credential="token", scopes=frozenset({"tasks:read"}))])
def test_who_asks_arrives_as_they_were_signed_and_the_passport_stays_outside(
    who: Principal | None, ours: Passports
) -> None:
    admitted = ours.gate(SERVICE).admit(call(ours.signer(SERVICE)(who)))
    assert (admitted.principal, admitted.passport) == (who, None)


def signed(clock: Clock, key: bytes = KEY, audience: str = SERVICE, seconds: float = 60.0) -> str:
    return make_passport(key, Claims(iss="x", aud=audience, exp=clock() + seconds, principal=principal()))


def altered(passport: str, **changes: Any) -> str:
    header, payload, signature = passport.split(".")
    claims = {**jwt.decode(passport, options={"verify_signature": False}), **changes}
    payload = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


BAD: dict[str, Callable[[Clock], str | None]] = {
    "none": lambda _clock: None,
    "empty": lambda _clock: "",
    "no passport at all": lambda _clock: "Ada, honestly",
    "beyond ASCII": lambda _clock: "ü.ü.ü",
    "signed with another key": lambda clock: signed(clock, OTHER_KEY),
    "for another service": lambda clock: signed(clock, audience="tasks.read"),
    "expired": lambda clock: signed(clock, seconds=-LEEWAY_SECONDS - 0.1),
    "good for too long": lambda clock: signed(clock, seconds=LIFETIME_SECONDS_MAX + 60),
    "with another user": lambda clock: altered(signed(clock), principal={"user_id": str(uuid7())}),
    "made to last": lambda clock: altered(signed(clock), exp=clock() + 600),
    "without its signature": lambda clock: signed(clock).rpartition(".")[0] + ".",
    "unsigned by its own word": lambda clock: jwt.encode({"aud": SERVICE, "iss": "x", "exp": clock() + 60}, "", "none"),
    "of another kind": lambda clock: jwt.encode({"aud": SERVICE, "iss": "x", "exp": clock() + 60}, KEY, "HS256"),
    "without an end": lambda _clock: jwt.encode(
        {"aud": SERVICE, "iss": "x"}, KEY, "HS256", headers={"typ": "sigdep-passport+jwt"}
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_good_passport_is_refused_and_nobody_is_told_why(bad: str, clock: Clock, ours: Passports) -> None:
    with pytest.raises(NoPassport) as refused:
        ours.gate(SERVICE).admit(call(BAD[bad](clock)))
    assert isinstance(refused.value, Unauthenticated)
    assert refused.value.detail == NoPassport().detail


def test_any_library_makes_a_passport(clock: Clock, ours: Passports) -> None:
    claims = {"iss": "mine", "aud": SERVICE, "exp": clock() + 60, "principal": msgspec.to_builtins(principal())}
    passport = jwt.encode(claims, KEY, "HS256", headers={"typ": "sigdep-passport+jwt"})
    assert ours.gate(SERVICE).check(passport) == principal()


def test_and_any_library_reads_ours(clock: Clock, ours: Passports) -> None:
    passport = ours.signer(SERVICE)(principal())
    told = jwt.decode(passport, KEY, ["HS256"], audience=SERVICE, issuer="gateway", options={"verify_exp": False})
    assert told["exp"] == clock() + LIFETIME_SECONDS
    assert told["principal"]["user_id"] == str(ADA)


def test_a_passport_ends_also_for_those_who_have_checked_it_before(clock: Clock, ours: Passports) -> None:
    gate, passport = ours.gate(SERVICE), ours.signer(SERVICE)(principal())
    clock.now += LIFETIME_SECONDS + LEEWAY_SECONDS
    assert gate.check(passport) == principal()
    clock.now += 0.1
    with pytest.raises(NoPassport):
        gate.check(passport)


def test_somebody_beside_a_passport_is_refused(ours: Passports) -> None:
    with pytest.raises(NoPassport):
        ours.gate(SERVICE).admit(call(ours.signer(SERVICE)(None), principal=principal()))


def test_a_key_that_can_be_guessed_is_none(clock: Clock) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Passports(b"short", issuer="gateway", now=clock)


# ── made once, checked once ──────────────────────────────────────────────────────────────────────────────


def test_who_asks_again_has_the_same_passport_until_their_rights_change_or_it_grows_old(
    clock: Clock, ours: Passports
) -> None:
    sign = ours.signer(SERVICE)
    first = sign(principal())
    clock.now += 1
    assert sign(principal()) == first
    assert sign(principal(credential_id=uuid7())) != first
    removed = sign(principal(roles={}))
    assert removed != first
    assert ours.gate(SERVICE).check(removed) == principal(roles={})
    clock.now += LIFETIME_SECONDS / 2
    assert sign(principal(roles={})) != removed


def test_what_is_remembered_is_bounded(ours: Passports) -> None:
    sign, gate = ours.signer(SERVICE), ours.gate(SERVICE)
    for _ in range(KNOWN_MAX + 10):
        gate.check(sign(principal(user_id=uuid7())))
    assert len(sign._made) == len(gate._known) == KNOWN_MAX


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────


class Mirror:
    """Answers with the user who asks."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert call.passport is None
        return Answer(value=None if call.principal is None else str(call.principal.user_id))


@asynccontextmanager
async def mirror(passports: Passports, sign: Sign | None) -> AsyncIterator[Service]:
    async with serving({WRITE: Mirror()}, passports=passports) as address, channel_to(address) as channel:
        remote = RemoteService.over(channel, WRITE, sign=sign)
        yield remote
        await remote.close()


async def ask(service: Service, who: Principal | None) -> Any:
    encoded = (await service.ask(CreateTask(by=ADA, at=NOON, title="x"), call(None, principal=who))).value
    return None if encoded is None else json.loads(encoded.json)


async def test_each_item_of_a_batch_is_asked_by_somebody_for_themselves(ours: Passports) -> None:
    people = [principal(user_id=UserId(uuid7())) for _ in range(100)]
    async with mirror(ours, ours.signer(SERVICE)) as service:
        answers = await asyncio.gather(*(ask(service, person) for person in people), ask(service, None))
    assert answers == [*(str(person.user_id) for person in people), None]


async def test_a_batch_in_which_one_is_refused_answers_all_others(clock: Clock, ours: Passports) -> None:
    good, forger = ours.signer(SERVICE), Passports(OTHER_KEY, issuer="gateway", now=clock).signer(SERVICE)
    bad = principal(user_id=UserId(uuid7()))

    def sign(who: Principal | None) -> str:
        return (forger if who == bad else good)(who)

    async with mirror(ours, sign) as service:
        answers = await asyncio.gather(*(ask(service, who) for who in (principal(), bad, None)), return_exceptions=True)
    assert (answers[0], answers[2]) == (str(ADA), None)
    assert isinstance(answers[1], Unauthenticated)


@pytest.mark.parametrize("who", [None, principal()])
async def test_whoever_shows_no_passport_is_refused(who: Principal | None, ours: Passports) -> None:
    async with mirror(ours, None) as service:
        with pytest.raises(Unauthenticated):
            await ask(service, who)


async def test_while_a_release_is_rolled_out_those_who_make_none_yet_can_be_believed(clock: Clock) -> None:
    lenient = Passports(KEY, issuer="x", now=clock, unsigned=True)
    async with mirror(lenient, None) as service:
        assert await ask(service, principal()) == str(ADA)
    async with mirror(lenient, lenient.signer(SERVICE)) as service:
        assert await ask(service, principal()) == str(ADA)
    async with mirror(lenient, Passports(OTHER_KEY, issuer="x", now=clock).signer(SERVICE)) as service:
        with pytest.raises(Unauthenticated):
            await ask(service, principal())


async def test_no_stream_begins_without_a_passport(ours: Passports) -> None:
    store = MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))
    await store.append(writing(new_workspace(), new_stream(), "one"))
    handler = public_log_handler(PublishedLog(store, publish_notes), ours.gate(SERVICE))
    async with serving({}, handlers=(handler,)) as address, channel_to(address) as channel:
        heard = await hear(RemotePublicLog(channel, ours.signer(SERVICE)), 1, {}, EVERY_TYPE)
        assert texts(heard) == ["one"]
        for sign in (None, ours.signer("users.write")):
            with pytest.raises(Unavailable) as refused:
                await hear(RemotePublicLog(channel, sign), 1, {}, EVERY_TYPE)
            assert isinstance(refused.value.__cause__, grpc.aio.AioRpcError)
            assert refused.value.__cause__.code() is grpc.StatusCode.UNAUTHENTICATED
    await store.close()


async def test_no_row_is_given_without_a_passport(ours: Passports, postgresql_dsn: str) -> None:
    store = await PostgresEventStore.open(postgresql_dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema="passports")
    await store.append(writing(new_workspace(), new_stream(), "one"))
    async with (
        serving({}, handlers=(log_handler(store.sealed, ours.gate(SERVICE)),)) as address,
        channel_to(address) as channel,
    ):
        assert len(await RemoteLog(channel, ours.signer(SERVICE)).next_rows({}, 10)) == 1
        stranger = RemoteLog(channel)
        for asking in (stranger.heads(), stranger.next_rows({}, 10), anext(stranger.follow_rows({}))):
            with pytest.raises(Unavailable) as refused:
                await asking
            assert isinstance(refused.value.__cause__, grpc.aio.AioRpcError)
            assert refused.value.__cause__.code() is grpc.StatusCode.UNAUTHENTICATED
    await store.close()

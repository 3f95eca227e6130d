"""The gRPC server: what it says of itself, what it bounds, how it ends."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.messages import Command, Query
from sigdep.rpc import servicer
from sigdep.rpc.call import Answer, Call
from sigdep.rpc.channel import ChannelTransport
from sigdep.rpc.client import RemoteService
from sigdep.rpc.envelopes import Questions
from sigdep.rpc.server import REQUEST_BYTES_MAX, CannotListen, RpcServer
from sigdep.rpc.servicer import BATCH_ITEMS_MAX
from sigdep.tasks.commands.tasks import CompleteTask, CreateTask
from sigdep.tasks.contract import READ, WRITE
from tests.rpc.certificates import Authority
from tests.rpc.ways import channel_to, over_loopback, serving
from tests.tasks.stories import ADA, MILK, NOON
from tests.tasks.write_side import World

COMPLETE = CompleteTask(task_id=MILK, by=ADA, at=NOON)
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Slow:
    """A service that answers when it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0
        self.cancelled = 0

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        self.asked += 1
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Answer(value=message.title if isinstance(message, CreateTask) else None)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def health_of(channel: grpc.aio.Channel, service: str = "") -> Any:
    request = health_pb2.HealthCheckRequest(service=service)
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(request, timeout=5)).status


async def test_it_says_whether_it_and_each_of_its_services_is_well() -> None:
    server = RpcServer({WRITE: World().service})
    async with channel_to(f"127.0.0.1:{await server.start('127.0.0.1:0')}") as channel:
        assert await health_of(channel) == SERVING
        assert await health_of(channel, "sigdep.tasks.v1.Write") == SERVING
        await server.say_well(False)
        assert await health_of(channel) == NOT_SERVING
        await server.close(drain_seconds=0)


async def test_it_describes_itself_to_tools_that_ask() -> None:
    async with serving({WRITE: World().service}) as address, channel_to(address) as channel:
        make_stub: Any = reflection_pb2_grpc.ServerReflectionStub
        stub = make_stub(channel)

        async def ask(**request: Any) -> Any:
            replies = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=5)
            async for reply in replies:
                return reply
            raise AssertionError("It says nothing.")

        listed = (await ask(list_services="")).list_services_response.service
        assert {service.name for service in listed} >= {"sigdep.tasks.v1.Write", "grpc.health.v1.Health"}
        for symbol in (
            "sigdep.tasks.v1.Write",
            "sigdep.tasks.v1.EditTask",
            "sigdep.rpc.v1.Problem",
            "grpc.health.v1.Health",
        ):
            found = await ask(file_containing_symbol=symbol)
            assert found.file_descriptor_response.file_descriptor_proto, symbol


async def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    service = Slow()
    service.may_answer.set()
    async with over_loopback(WRITE, service) as remote:
        with pytest.raises(Exception, match="RESOURCE_EXHAUSTED"):
            await remote.ask(CreateTask(by=ADA, at=NOON, title="x" * (REQUEST_BYTES_MAX + 1)), World().call())
    assert service.asked == 0


async def test_a_batch_of_too_many_items_is_refused_whole() -> None:
    service, questions = Slow(), Questions(WRITE)
    async with serving({WRITE: service}) as address, channel_to(address) as channel:
        items = [questions.pack(COMPLETE, World().call())] * (BATCH_ITEMS_MAX + 1)
        with pytest.raises(Invalid):
            async for _ in ChannelTransport(questions, channel).ask_batch(questions.Batch(items=items), 5):
                pass
    assert service.asked == 0


async def test_a_batch_without_items_is_answered_with_nothing() -> None:
    questions = Questions(WRITE)
    async with serving({WRITE: Slow()}) as address, channel_to(address) as channel:
        assert [_ async for _ in ChannelTransport(questions, channel).ask_batch(questions.Batch(), 5)] == []


async def test_a_message_without_its_call_and_an_item_without_a_message_are_refused() -> None:
    questions = Questions(WRITE)
    async with serving({WRITE: World().service}) as address, channel_to(address) as channel:
        transport = ChannelTransport(questions, channel)
        with pytest.raises(Invalid) as refusal:
            await transport.ask("CompleteTask", questions.classes[CompleteTask](task_id=str(MILK)), 5)
        assert refusal.value.faults[0].pointer == "/call"
        batch = questions.Batch(items=[questions.Item()])
        outcomes = [outcomes async for outcomes in transport.ask_batch(batch, 5)]
        assert outcomes[0].outcomes[0].problem.kind == "Invalid"


async def test_a_message_that_only_newer_replicas_know_is_asked_again_later() -> None:
    questions = Questions(WRITE)
    item = questions.Item()
    item.MergeFromString(b"\xfa\xff\x03\x03abc")  # A field with a number that no message has.
    with pytest.raises(Unavailable):
        questions.open_item(item)
    async with serving({READ: World().service}) as address, channel_to(address) as channel:
        remote = RemoteService.over(channel, WRITE)
        with pytest.raises(Unavailable):
            await remote.ask(COMPLETE, World().call())
        await remote.close()


async def test_more_messages_than_it_can_carry_out_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicer, "ASKS_MAX", 5)
    service, world = Slow(), World()
    async with over_loopback(WRITE, service) as remote:
        asked = [asyncio.ensure_future(remote.ask(COMPLETE, world.call())) for _ in range(8)]
        await until(lambda: service.asked == 5)
        service.may_answer.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Answer"] * 5 + ["Unavailable"] * 3


async def test_what_has_begun_ends_before_the_server_does() -> None:
    service = Slow()
    server = RpcServer({WRITE: service})
    async with channel_to(f"127.0.0.1:{await server.start('127.0.0.1:0')}") as channel:
        remote, world = RemoteService.over(channel, WRITE), World()
        begun = [asyncio.ensure_future(remote.ask(COMPLETE, world.call())) for _ in range(5)]
        await until(lambda: service.asked == 5)
        closing = asyncio.ensure_future(server.close(drain_seconds=5))
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await remote.ask(COMPLETE, world.call())
        service.may_answer.set()
        assert [answer.value for answer in await asyncio.gather(*begun)] == [None] * 5
        await asyncio.wait_for(closing, 2)
        await remote.close()


async def test_what_has_not_ended_when_the_drain_is_over_is_cut_off() -> None:
    service = Slow()
    server = RpcServer({WRITE: service})
    async with channel_to(f"127.0.0.1:{await server.start('127.0.0.1:0')}") as channel:
        remote, world = RemoteService.over(channel, WRITE), World()
        begun = [asyncio.ensure_future(remote.ask(COMPLETE, world.call())) for _ in range(5)]
        await until(lambda: service.asked == 5)
        await asyncio.wait_for(server.close(drain_seconds=0.1), 2)
        for result in await asyncio.gather(*begun, return_exceptions=True):
            assert type(result) is Unavailable
        await until(lambda: service.cancelled == 5)
        await remote.close()


async def test_nothing_goes_on_for_callers_who_are_gone() -> None:
    service, world = Slow(), World()
    async with serving({WRITE: service}) as address, channel_to(address) as channel:
        remote = RemoteService.over(channel, WRITE)
        asked = [asyncio.ensure_future(remote.ask(COMPLETE, world.call())) for _ in range(20)]
        await until(lambda: service.asked == 20)
        await remote.close()
        await until(lambda: service.cancelled == 20)
        for result in await asyncio.gather(*asked, return_exceptions=True):
            assert type(result) is Unavailable


async def test_a_port_belongs_to_one_server() -> None:
    async with serving({WRITE: Slow()}) as address:
        with pytest.raises(CannotListen, match=address):
            await RpcServer({WRITE: Slow()}).start(address)


async def test_with_papers_both_sides_know_each_other() -> None:
    ours, others = Authority("ours"), Authority("others")
    world, server = World(), RpcServer({WRITE: World().service})
    port = await server.start("127.0.0.1:0", ours.papers())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.close, 0)

        async def asking(**papers: Any) -> Any:
            channel = await stack.enter_async_context(channel_to(f"localhost:{port}", **papers))
            remote = RemoteService.over(channel, WRITE, seconds=3)
            stack.push_async_callback(remote.close)
            return await remote.ask(CreateTask(by=ADA, at=NOON, title="Buy milk"), world.call())

        assert (await asking(tls=ours.papers())).created
        for stranger in ({"tls": others.papers()}, {}):
            with pytest.raises(Unavailable):
                await asking(**stranger)


def test_papers_show_no_key_where_they_are_logged() -> None:
    assert "KEY" not in repr(Authority("ours").papers())

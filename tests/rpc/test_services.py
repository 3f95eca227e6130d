"""The services of the contexts answer the same, whatever lies between them and whoever asks."""

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.ids import CommentId, TaskId
from sigdep.kernel.errors import Forbidden, Invalid, KeyReused, NotFound, Refused, SigdepError, Stale, Unauthenticated
from sigdep.kernel.ids import Version
from sigdep.rpc.call import Answer, Encoded
from sigdep.tasks.commands.tasks import ChangeTasks, CommentOnTask, CompleteTask, CreateTask, DeleteComment, EditTask
from sigdep.tasks.contract import READ, WRITE
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TaskNotFound
from sigdep.tasks.queries import GetHistory, GetTask, History, ListTasks
from sigdep.users import contract as users
from sigdep.users.commands.requests import ExchangeRefreshToken, SignIn
from sigdep.users.credentials.throttle import TooManyGuesses
from sigdep.users.queries import GetProfile, ListWorkspaces, Page, Profile, WorkspaceView
from sigdep.users.service.sessions import InvalidGrant, WrongPassword
from tests.rpc.ways import Way
from tests.tasks.read_world import World as ReadWorld
from tests.tasks.read_world import call as read_call
from tests.tasks.stories import ADA, BOB, EVE, NOON, TEAM, identity
from tests.tasks.write_side import World, answer_key
from tests.users.world import open_world, sign_up


def shown(answer: Answer[Any], kind: Any) -> Any:
    """The value as a client sees it."""
    value = answer.value
    return msgspec.json.decode(value.json if isinstance(value, Encoded) else msgspec.json.encode(value), type=kind)


async def refusal_of(asked: Awaitable[Any]) -> Any:
    with pytest.raises(SigdepError) as raised:
        await asked
    return raised.value


async def test_a_command_is_carried_out_and_answered(way: Way) -> None:
    world = World()
    async with way(WRITE, world.service) as service:
        call = world.call()
        answer = await service.ask(CreateTask(by=ADA, at=call.asked_at, title="Buy milk"), call)
        task = shown(answer, Task)
        assert task == (await world.tasks())[task.id]
        assert (answer.created, answer.version, task.title) == (True, 1, "Buy milk")
        assert answer.position is not None
        assert (answer.position.context, answer.position.position) == ("tasks", 1)


@pytest.mark.parametrize("due", [UNSET, None, NOON], ids=["unset", "null", "value"])
async def test_an_edit_leaves_alone_or_clears_or_sets(way: Way, due: Any) -> None:
    world = World()
    await world.label("errand")
    task = await world.create(due_at=NOON.replace(hour=9), labels=("errand",))
    async with way(WRITE, world.service) as service:
        call = world.call()
        answer = await service.ask(EditTask(task_id=task.id, by=ADA, at=call.asked_at, due_at=due, labels=()), call)
    assert shown(answer, Task).due_at == (task.due_at if due is UNSET else due)
    assert shown(answer, Task).labels == ()


async def test_several_commands_as_one(way: Way) -> None:
    world = World()
    task = await world.create()
    async with way(WRITE, world.service) as service:
        call = world.call()
        by_at: dict[str, Any] = {"by": ADA, "at": call.asked_at}
        commands = (CreateTask(title="Buy bread", **by_at), CompleteTask(task_id=task.id, **by_at))
        answer = await service.ask(ChangeTasks(commands=commands, **by_at), call)
    results = shown(answer, dict[str, list[Task]])["results"]
    assert [(task.title, task.status) for task in results] == [("Buy bread", "open"), ("Buy milk", "done")]


async def test_an_answer_with_nothing_to_show_stays_empty(way: Way) -> None:
    world = World()
    task = await world.create()
    async with way(WRITE, world.service) as service:
        said = await service.ask(CommentOnTask(task_id=task.id, text="Soy", by=ADA, at=NOON), world.call())
        comment_id = CommentId(UUID(shown(said, Any)["id"]))
        gone = await service.ask(DeleteComment(task_id=task.id, comment_id=comment_id, by=ADA, at=NOON), world.call())
    assert (said.created, gone.value) == (True, None)


async def test_each_kind_of_refusal_is_raised_as_the_service_raises_it(way: Way) -> None:
    world = World()
    task = await world.create()
    mine = await world.create("Mine", workspace_id=TEAM)
    async with way(WRITE, world.service) as service:

        async def refusal(kind: type[Exception], message: Any, **options: Any) -> Any:
            with pytest.raises(kind) as raised:
                await service.ask(message, world.call(**options))
            assert type(raised.value) is kind
            return raised.value

        def edit(**fields: Any) -> EditTask:
            return EditTask(task_id=task.id, by=ADA, at=NOON, **fields)

        missing = await refusal(TaskNotFound, CompleteTask(task_id=TaskId(identity(99)), by=ADA, at=NOON))
        assert missing.detail == str(missing)
        await refusal(NotFound, edit(title="Hers"), by=EVE)
        invalid = await refusal(Invalid, edit(title=""))
        assert [fault.pointer for fault in invalid.faults] == ["/title"]
        stale = await refusal(Stale, edit(title="Soy milk"), if_match=Version(7))
        assert (stale.stream, stale.expected, stale.actual) == (f"task-{task.id}", 7, 1)
        assert stale.detail == f"task-{task.id} is at version 1, not at 7."
        await service.ask(edit(title="Oats"), world.call(answer_key=answer_key("key", "oats")))
        await refusal(KeyReused, edit(title="Soy"), answer_key=answer_key("key", "soy"))
        anonymous = msgspec.structs.replace(world.call(), principal=None)
        with pytest.raises(Unauthenticated):
            await service.ask(edit(title="Nobody's"), anonymous)
        world.roster.roles[BOB][TEAM] = "viewer"
        await refusal(Forbidden, CompleteTask(task_id=mine.id, by=BOB, at=NOON), by=BOB)


async def test_a_repeat_with_an_idempotency_key_gets_the_same_answer(way: Way) -> None:
    world = World()
    async with way(WRITE, world.service) as service:
        message = CreateTask(by=ADA, at=NOON, title="Buy milk")
        first, again = [await service.ask(message, world.call(answer_key=answer_key("k", "x"))) for _ in range(2)]
    assert shown(first, Task) == shown(again, Task)
    assert len(await world.tasks()) == 1


async def test_a_dry_run_stores_nothing(way: Way) -> None:
    world = World()
    async with way(WRITE, world.service) as service:
        await service.ask(CreateTask(by=ADA, at=NOON, title="Buy milk"), world.call(dry_run=True))
    assert world.size() == 0


async def test_questions_about_tasks(way: Way) -> None:
    store = MemoryReadStore()
    world = await ReadWorld(store).start()
    titles = [await world.task(title) for title in ("Buy milk", "Buy bread")]
    await world.project()
    async with way(READ, world.read) as service:
        answer = await service.ask(ListTasks(sort="number"), read_call())
        assert [item["title"] for item in shown(answer, Any)["items"]] == ["Buy milk", "Buy bread"]
        one = await service.ask(GetTask(task_id=titles[1]), read_call())
        assert isinstance(one.value, Encoded)
        assert (shown(one, Any)["title"], one.version) == ("Buy bread", 1)
        past = await service.ask(GetTask(task_id=titles[1], at=one.position), read_call())
        assert shown(past, Any)["title"] == "Buy bread"
        with pytest.raises(NotFound):
            await service.ask(GetTask(number=10**18), read_call())
        with pytest.raises(Invalid):
            await service.ask(GetTask(number=10**19), read_call())


async def test_an_answer_that_its_caller_takes_apart_is_one_of_the_same_type(way: Way) -> None:
    world = await ReadWorld(MemoryReadStore()).start()
    task = await world.task("Buy milk")
    await world.project()
    async with way(READ, world.read) as service:
        history = (await service.ask(GetHistory(thing="task", id=task), read_call())).value
    assert isinstance(history, History)
    assert [entry.event for entry in history.entries] == ["TaskCreated"]


async def test_people_and_their_workspaces(way: Way) -> None:
    async with open_world() as world, way(users.WRITE, world.users.writing.write) as write:
        answer = await write.ask(sign_up("Ada"), world.call())
        assert shown(answer, Profile).name == "Ada"
        ada = await world.users.reading.identities.principal((await world.sign_in("Ada")).access_token)
        await world.caught_up()
        async with way(users.READ, world.users.reading.read) as read:
            assert shown(await read.ask(GetProfile(), world.call(ada)), Profile).name == "Ada"
            page = (await read.ask(ListWorkspaces(limit=10), world.call(ada))).value
            assert isinstance(page, Page)
            assert isinstance(page.items[0], WorkspaceView)


async def test_refusals_that_callers_tell_apart_keep_their_class(way: Way) -> None:
    async with open_world() as world, way(users.WRITE, world.users.writing.write) as write:
        await write.ask(sign_up("Ada"), world.call())
        with pytest.raises(InvalidGrant) as invalid:
            await write.ask(ExchangeRefreshToken(refresh_token="stolen"), world.call())
        assert isinstance(invalid.value, Refused)
        wrong = SignIn(email="ada@example.com", password="guessed it")
        refusals = [await refusal_of(write.ask(wrong, world.call(address="192.0.2.1"))) for _ in range(100)]
    assert type(refusals[0]) is WrongPassword
    assert type(refusals[-1]) is TooManyGuesses
    assert refusals[-1].retry_after_seconds > 0


async def test_a_thousand_calls_at_once_are_each_answered(way: Way) -> None:
    world = World()
    async with way(WRITE, world.service) as service:
        calls = [world.call() for _ in range(1_000)]
        titles = [f"Task {number}" if number % 10 else "" for number in range(1_000)]
        messages = [CreateTask(by=ADA, at=NOON, title=title) for title in titles]
        answers = await asyncio.gather(*map(service.ask, messages, calls), return_exceptions=True)
    for message, answer in zip(messages, answers, strict=True):
        if message.title:
            assert isinstance(answer, Answer)
            assert shown(answer, Task).title == message.title
        else:
            assert type(answer) is Invalid
    assert len(await world.tasks()) == 900

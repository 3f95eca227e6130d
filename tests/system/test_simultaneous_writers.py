"""Several clients at once, and one again: nobody's change is lost, nothing happens twice, nobody reads the past."""

import asyncio

from sigdep.testing.running_server import running_server
from tests.system.person import JSON, Person, new_id, problem, signed_up, succeeded

ROUNDS = 100
READS = 500


async def test_two_clients_that_edit_two_fields_of_one_task_lose_neither(ada: Person) -> None:
    task = await ada.add_task("Race")
    after = task
    for number in range(ROUNDS):
        path = f"/api/tasks/{task['id']}"
        answers = await asyncio.gather(
            ada.client.patch(path, json={"title": f"Title {number}"}),
            ada.client.patch(path, json={"description": f"Description {number}"}),
        )
        last = max(answers, key=lambda answer: int(answer.json()["version"]))
        after = await ada.read(path, after=last.headers["Sigdep-Position"])
        assert (after["title"], after["description"]) == (f"Title {number}", f"Description {number}")
    assert after["version"] == 1 + 2 * ROUNDS


async def test_of_ten_who_edit_with_the_same_version_one_wins_and_nine_are_told(ada: Person) -> None:
    task = await ada.add_task("Race")
    for round_number in range(10):
        before = await ada.task(task["id"])
        answers = await asyncio.gather(
            *(
                ada.client.patch(
                    f"/api/tasks/{task['id']}",
                    json={"title": f"{round_number}.{writer}"},
                    headers={"If-Match": f'"{before["version"]}"'},
                )
                for writer in range(10)
            )
        )
        winners = [answer for answer in answers if answer.is_success]
        assert len(winners) == 1
        for answer in answers:
            if answer not in winners:
                assert problem(answer, 412)["type"].endswith("/stale")
        ada.position = winners[0].headers["Sigdep-Position"]
        now = await ada.task(task["id"])
        assert now == winners[0].json()
        assert now["version"] == before["version"] + 1


async def test_numbers_are_unique_and_without_gaps_whoever_makes_the_tasks(ada: Person) -> None:
    made = await asyncio.gather(*(ada.add_task(f"Task {number}") for number in range(100)))
    assert sorted(task["number"] for task in made) == list(range(1, 101))


async def test_the_same_create_sent_ten_times_at_once_makes_one_task(ada: Person) -> None:
    body = {"id": new_id(), "title": "Once"}
    headers = {"Idempotency-Key": new_id()}
    answers = await asyncio.gather(*(ada.client.post("/api/tasks", json=body, headers=headers) for _ in range(10)))
    for answer in answers:
        succeeded(answer)
    assert len({answer.content for answer in answers}) == 1
    ada.position = answers[0].headers["Sigdep-Position"]
    assert len(await ada.items("/api/tasks")) == 1


async def test_a_repeated_key_gives_the_first_answer_across_a_kill_byte_for_byte() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            task = await ada.add_task("Buy milk")
            requests: list[tuple[str, str, JSON]] = [
                ("POST", "/api/tasks", {"title": "Bread"}),
                ("PATCH", f"/api/tasks/{task['id']}", {"title": "Buy oat milk"}),
                ("POST", f"/api/tasks/{task['id']}/comments", {"text": "Two bottles"}),
                ("POST", f"/api/tasks/{task['id']}/complete", {}),
                ("POST", "/api/projects", {"name": "House"}),
                ("DELETE", f"/api/tasks/{task['id']}", {}),
                ("POST", "/api/workspaces", {"name": "The team"}),
            ]
            keys = [new_id() for _ in requests]
            first = [await _send(ada, *request, key) for request, key in zip(requests, keys, strict=True)]
            before = await ada.items("/api/tasks", after=ada.position)
            server.kill()
            server.start()
            again = [await _send(ada, *request, key) for request, key in zip(requests, keys, strict=True)]
            assert again == first
            assert await ada.items("/api/tasks", after=ada.position) == before

            method, path, _ = requests[1]
            other = await ada.client.request(method, path, json={"title": "Else"}, headers={"Idempotency-Key": keys[1]})
            assert problem(other, 422)["type"].endswith("/key-reused")


async def _send(person: Person, method: str, path: str, body: JSON, key: str) -> tuple[int, bytes, str, str]:
    """Status, body, ETag and position of the answer."""
    answer = await person.client.request(method, path, json=body, headers={"Idempotency-Key": key})
    succeeded(answer)
    position = answer.headers["Sigdep-Position"]
    person.position = position
    return answer.status_code, answer.content, answer.headers.get("ETag", ""), position


async def test_who_passes_on_the_position_of_a_write_never_reads_the_past(ada: Person) -> None:
    """Eight writers, each of which reads its own writes: by id, in the list and in the search."""
    stale: list[str] = []

    async def write_and_read(writer: int) -> None:
        task = await ada.add_task(f"Writer{writer}")
        for number in range(READS // 8):
            answer = await ada.client.patch(f"/api/tasks/{task['id']}", json={"title": f"Writer{writer}x{number}"})
            succeeded(answer)
            position = answer.headers["Sigdep-Position"]
            if number % 3 == 0:
                seen = await ada.read(f"/api/tasks/{task['id']}", after=position)
            elif number % 3 == 1:
                found = await ada.read("/api/tasks", after=position, limit=200)
                seen = next(item for item in found["items"] if item["id"] == task["id"])
            else:
                found = await ada.read("/api/tasks", after=position, q=f"Writer{writer}x{number}")
                seen = next((item for item in found["items"] if item["id"] == task["id"]), {"title": "nothing"})
            if seen["title"] != f"Writer{writer}x{number}":
                stale.append(f"wrote Writer{writer}x{number}, read {seen['title']}")

    await asyncio.gather(*(write_and_read(writer) for writer in range(8)))
    assert stale == []

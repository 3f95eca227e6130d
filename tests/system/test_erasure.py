"""Who asks to be forgotten is: no byte of their title or address is left, and the chain of the log still holds."""

import asyncio
import subprocess
import time
from pathlib import Path

from sigdep.testing.running_server import running_server
from tests.system.person import Person, signed_up

ERASED_SECONDS_MAX = 15.0

TITLE, TEXT, LABEL, SEARCHED = "Mzxqtitle", "Mzxqdescription", "Mzxqlabel", "mzxq"
NAME = "Mzxqperson"


async def test_after_an_erasure_no_byte_of_it_is_left_anywhere(tmp_path: Path) -> None:
    with running_server(erase_grace_days=0) as server:
        async with signed_up(server.url, NAME) as ada, signed_up(server.url, "Bob") as bob:
            kept = await bob.add_task("Kept")
            await _fill(ada)
            hints = [TITLE, TEXT, LABEL, NAME, ada.email, ada.email.partition("@")[0]]
            before = tmp_path / "before"
            _succeeded(server.run("backup", str(before)))
            await ada.write("DELETE", "/api/users/me", {})
            await _gone(ada)
            after = tmp_path / "after"
            _succeeded(server.run("backup", str(after)))
            assert (await bob.task(kept["id"]))["title"] == "Kept"
        assert server.stop() == 0
        assert _found(server.data, hints) == []
        assert _found(before, hints) == []
        assert _found(after, hints) == []
        _succeeded(server.run("verify"))
        _succeeded(server.run("rebuild", "all"))
        assert _found(server.data, hints) == []
        _succeeded(server.run("verify"))
        server.start()
        async with signed_up(server.url, "Eve") as eve:
            assert await eve.items("/api/tasks", q=SEARCHED) == []


async def test_before_the_grace_period_is_over_an_erasure_can_be_taken_back() -> None:
    with running_server(erase_grace_days=1) as server:
        async with signed_up(server.url) as ada:
            task = await ada.add_task("Buy milk")
            await ada.write("DELETE", "/api/users/me", {})
            await ada.write("POST", "/api/users/me/keep")
            server.kill()
            server.start()
            assert (await ada.task(task["id"]))["title"] == "Buy milk"


async def test_the_bytes_are_searched_where_they_would_be(tmp_path: Path) -> None:
    """The view does hold a title before the erasure: the search that finds nothing afterwards can find it."""
    with running_server() as server:
        async with signed_up(server.url, NAME) as ada:
            await _fill(ada)
            await ada.items("/api/tasks", after=ada.position)
        server.stop()
        assert {Path(found).name.partition(".")[0] for found in _found(server.data, [TITLE])} == {"tasks"}
        assert [found for found in _found(server.data, [TITLE, NAME]) if ".log.db" in found] == []


async def _fill(person: Person) -> None:
    label = await person.write("POST", "/api/labels", {"name": LABEL})
    task = await person.add_task(TITLE, description=TEXT, labels=[label["id"]], custom={"note": TEXT})
    await person.edit_task(task["id"], title=f"{TITLE} again")
    await person.write("POST", f"/api/tasks/{task['id']}/comments", {"text": TEXT})
    await person.write("POST", "/api/projects", {"name": TITLE})
    await person.write("DELETE", f"/api/tasks/{(await person.add_task(TITLE))['id']}")


async def _gone(person: Person) -> None:
    """Until nobody can sign in there any more, and what follows has settled."""
    body = {"email": person.email, "password": person.password}
    give_up = time.perf_counter() + ERASED_SECONDS_MAX
    while (answer := await person.client.post("/api/sessions", json=body)).status_code != 401:
        assert time.perf_counter() < give_up, f"Still there: {answer.text}"
        await asyncio.sleep(0.1)
    assert (await person.client.get("/api/users/me")).status_code == 401
    await asyncio.sleep(1)


def _found(place: Path, texts: list[str]) -> list[str]:
    """The files below the place that hold one of the texts in some encoding, as raw bytes, whatever their case."""
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    wanted = [text.lower().encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le")]
    return [
        f"{path}: {text.decode(errors='replace')}"
        for path in files
        for text in wanted
        if text in path.read_bytes().lower()
    ]


def _succeeded(finished: subprocess.CompletedProcess[str]) -> None:
    code, said = finished.returncode, finished.stdout + finished.stderr
    assert code == 0, said

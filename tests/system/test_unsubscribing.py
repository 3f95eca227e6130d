"""Whoever wants no more e-mails of a kind says so by what the e-mail itself holds, without signing in."""

import asyncio
from email.message import EmailMessage
from re import search
from typing import Any, Final

import httpx

from sigdep.services.settings import Settings
from sigdep.testing.running_server import running_server
from sigdep.testing.smtp_sink import SmtpSink
from tests.system.person import Person, problem, signed_up

SECONDS_MAX: Final = 60.0
WAYS: Final[tuple[dict[str, Any], ...]] = (
    {"files": {"List-Unsubscribe": (None, "One-Click")}},
    {"data": {"List-Unsubscribe": "One-Click"}},
    {},
)
"""As programs are asked for (RFC 8058 §3.2), as they may, and the button of the page."""


async def letters(sink: SmtpSink, count: int) -> list[EmailMessage]:
    async with asyncio.timeout(SECONDS_MAX):
        while len(sink.records.arrived) < count:
            await asyncio.sleep(0.05)
    return [one.raw[0] for one in sink.records.arrived]


def link_of(letter: EmailMessage) -> str:
    found = search(r"^<(\S+)>$", str(letter["List-Unsubscribe"]))
    assert found is not None
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert f"No more of these: {found[1]}" in plain.get_content()
    return found[1]


async def wanted(person: Person) -> dict[str, Any]:
    shown: dict[str, Any] = (await person.read("/api/notification-preferences"))["channels"]
    return shown


async def test_the_link_in_an_email_asks_and_its_post_ends_emails_of_its_kind_alone() -> None:
    sink = SmtpSink()
    await sink.start()
    mail: dict[str, Any] = {
        "smtp_url": f"smtp+plain://127.0.0.1:{sink.port}",
        "smtp_from": "SigDep <reminders@sigdep.example>",
    }
    try:
        with running_server(**mail) as server:
            async with signed_up(server.url) as ada, signed_up(server.url, "Bob") as bob:
                workspace = await ada.open_workspace()
                await ada.invite(bob, workspace, "member")
                kinds = {"task.assigned": {"email": True}, "task.mentioned": {"email": True}}
                await bob.write("PATCH", "/api/notification-preferences", {"channels": kinds})
                await ada.add_task("One", workspace_id=workspace, assignee_ids=[bob.id])
                (letter,) = await letters(sink, 1)
                assert letter["List-Unsubscribe-Post"] is None  # RFC 8058 §3.1: only by HTTPS. This server has HTTP.
                link, before = link_of(letter), await wanted(bob)

                async with httpx.AsyncClient(trust_env=False) as stranger:
                    page = await stranger.get(link)
                    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
                    assert "No more e-mails about tasks assigned to you?" in page.text
                    assert "Content-Disposition" not in page.headers
                    assert await wanted(bob) == before
                    for sent in WAYS:
                        done = await stranger.post(link, **sent)
                        assert (done.status_code, done.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
                    for forged in (
                        link[:-1] + ("A" if link[-1] != "A" else "B"),
                        link.replace("assigned", "mentioned"),
                    ):
                        problem(await stranger.get(forged), 404)
                        problem(await stranger.post(forged), 404)

                assert await wanted(bob) == before | {"task.assigned": before["task.assigned"] | {"email": False}}
                task = await ada.add_task("Two", workspace_id=workspace, assignee_ids=[bob.id])
                await ada.write("POST", f"/api/tasks/{task['id']}/comments", {"text": f"@{bob.email} look"})
                _, mention = await letters(sink, 2)
                assert link_of(mention) != link
                assert sink.records.faults == []
    finally:
        await sink.stop()


async def test_clicks_have_a_limit_of_their_own_beside_that_for_signing_in() -> None:
    """A mail provider sends those of all its readers from a few addresses. What happens past a limit: tests/gateway."""
    with running_server(options=()) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as stranger:
            answers = [await stranger.post("/api/unsubscribe", params={"token": str(number)}) for number in range(40)]
            signing_in = await stranger.post(
                "/api/sessions", json={"email": "a@example.org", "password": "no such one"}
            )
    assert {answer.status_code for answer in answers} == {404}
    burst = Settings().for_many_limit_burst
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {str(burst)}
    assert int(answers[-1].headers["ratelimit-remaining"]) < burst
    assert signing_in.status_code == 401

"""A person with an account, as the outside sees one: an HTTP client that is signed in, and what they call by name."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import httpx
from uuid_utils import uuid7

TIMEOUT_SECONDS: Final = 30.0
PAGES_MAX: Final = 1_000

JSON = dict[str, Any]


def new_id() -> str:
    """An id that the client chooses."""
    return str(uuid7())


class Person:
    """Somebody at a client. What they call raises when the answer is no success; `client` answers whatever comes."""

    def __init__(self, url: str, *, email: str, password: str) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self.client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False)
        self.email = email
        self.password = password
        self.id = ""
        self.workspace = ""
        """Their personal one."""
        self.position = ""
        """Of the last write through `write`."""

    @classmethod
    async def sign_up(cls, url: str, name: str = "Ada") -> Self:
        """A newcomer, signed in. Close them."""
        person = cls(
            url, email=f"{name.lower()}-{secrets.token_hex(6)}@example.org", password=secrets.token_urlsafe(16)
        )
        body = {"email": person.email, "password": person.password, "name": name}
        await person.write("POST", "/api/users", body)
        await person.sign_in()
        return person

    async def sign_in(self) -> None:
        session = await self.write("POST", "/api/sessions", {"email": self.email, "password": self.password})
        self.token = session["access_token"]
        self.client.headers["Authorization"] = f"Bearer {self.token}"
        me = await self.read("/api/users/me")
        self.id, self.workspace = me["id"], me["personal_workspace_id"]

    async def move_to(self, url: str) -> None:
        """Go on at another server, which has the same data: sign in there."""
        self.client.base_url = httpx.URL(url)
        del self.client.headers["Authorization"]
        await self.sign_in()

    async def close(self) -> None:
        await self.client.aclose()

    async def write(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = {}) -> JSON:
        answer = await self.client.request(method, path, json={} if body is None else body, headers=headers)
        succeeded(answer)
        self.position = answer.headers.get("Sigdep-Position", self.position)
        state: JSON = answer.json() if answer.content else {}
        return state

    async def read(self, path: str, after: str | None = None, **parameters: object) -> JSON:
        """
        Args:
            after: the position that the answer must reflect. None: of the last write of theirs.
        """
        least = self.position if after is None else after
        headers = {"Sigdep-Min-Position": least} if least else {}
        answer = await self.client.get(path, params=parameters, headers=headers)  # type: ignore[arg-type]
        succeeded(answer)
        state: JSON = answer.json()
        return state

    async def add_task(self, title: str = "Buy milk", **fields: object) -> JSON:
        return await self.write("POST", "/api/tasks", {"title": title, **fields})

    async def edit_task(self, task_id: str, **fields: object) -> JSON:
        return await self.write("PATCH", f"/api/tasks/{task_id}", fields)

    async def task(self, task_id: str) -> JSON:
        return await self.read(f"/api/tasks/{task_id}")

    async def items(self, path: str, after: str | None = None, **parameters: object) -> list[JSON]:
        """All items of a list, page by page. `after`: as in `read`."""
        items: list[JSON] = []
        cursor: dict[str, object] = {}
        for _ in range(PAGES_MAX):
            page = await self.read(path, after, **{"limit": 200, **parameters, **cursor})
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}
        raise AssertionError(f"{path} has more than {PAGES_MAX} pages.")

    async def open_workspace(self, name: str = "The team") -> str:
        workspace: str = (await self.write("POST", "/api/workspaces", {"name": name}))["id"]
        return workspace

    async def invite(self, other: "Person", workspace: str, role: str) -> None:
        """Bring somebody into the workspace, who accepts."""
        path = f"/api/workspaces/{workspace}/invitations"
        invitation = await self.write("POST", path, {"email": other.email, "role": role})
        await other.write("POST", f"/api/invitations/{invitation['token']}/accept")


def succeeded(answer: httpx.Response) -> None:
    assert answer.is_success, f"{answer.request.method} {answer.request.url} → {answer.status_code}: {answer.text}"


def problem(answer: httpx.Response, status: int) -> JSON:
    """The problem in an answer (RFC 9457), which must have the status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.url} → {answer.status_code}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    found: JSON = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found


@asynccontextmanager
async def signed_up(url: str, name: str = "Ada") -> AsyncIterator[Person]:
    """A newcomer, for as long as the block lasts."""
    person = await Person.sign_up(url, name)
    try:
        yield person
    finally:
        await person.close()

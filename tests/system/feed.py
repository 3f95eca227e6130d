"""Reads a workspace's feed from the outside."""

from typing import Final

from tests.system.person import JSON, Person

PAGES_MAX: Final = 10_000


async def read_feed(person: Person, position: str = "", workspace: str = "") -> tuple[list[JSON], str]:
    """All that there is after the position, and the position then."""
    items: list[JSON] = []
    for _ in range(PAGES_MAX):
        start = {"from": position} if position else {}
        page = await person.read("/api/feed", after="", workspace_id=workspace or person.workspace, limit=200, **start)
        position = page["next"]
        if not page["items"]:
            return items, position
        items += page["items"]
    raise AssertionError(f"The feed has more than {PAGES_MAX} pages.")


async def read_events(person: Person, workspace: str = "") -> list[JSON]:
    """All that has happened in the workspace: for comparing before with after.

    Positions will not do: they also say how far the log of all people is, where others sign up meanwhile.
    """
    items, _ = await read_feed(person, workspace=workspace)
    return items

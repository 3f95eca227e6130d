"""A path finds its endpoint: by name before parameter, by singular as by plural, and never another's."""

from dataclasses import dataclass
from typing import Any

import pytest

from sigdep.gateway.aliases import singular
from sigdep.gateway.routing import RouteTable


@dataclass
class Point:
    path: str
    method: str = "GET"
    scope: str | None = None
    deadline: bool = True
    for_many: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError


TABLE = RouteTable(
    [
        Point("/"),
        Point("/metrics"),
        Point("/api/users/me"),
        Point("/api/users/{user_id}"),
        Point("/api/users/{user_id}/tokens"),
        Point("/api/tasks"),
        Point("/api/tasks/{task_id}"),
        Point("/api/tasks/{task_id}.ics"),
        Point("/api/tasks/{task_id}/history"),
        Point("/api/tasks/{task_id}/comments/{comment_id}"),
        Point("/api/categories/{category_id}"),
        Point("/api/tasks", "POST"),
    ]
)


@pytest.mark.parametrize(
    "path, template, values",
    [
        ("/", "/", []),
        ("/metrics", "/metrics", []),
        ("/api/tasks", "/api/tasks", []),
        ("/api/task", "/api/tasks", []),
        ("/api/tasks/7", "/api/tasks/{task_id}", ["7"]),
        ("/api/task/7.ics", "/api/tasks/{task_id}.ics", ["7"]),
        ("/api/tasks/7.8.ics", "/api/tasks/{task_id}.ics", ["7.8"]),
        ("/api/tasks/7.ical", "/api/tasks/{task_id}", ["7.ical"]),
        ("/api/tasks/.ics", "/api/tasks/{task_id}", [".ics"]),
        ("/api/task/7/history", "/api/tasks/{task_id}/history", ["7"]),
        ("/api/tasks/7/comment/8", "/api/tasks/{task_id}/comments/{comment_id}", ["7", "8"]),
        ("/api/users/me", "/api/users/me", []),
        ("/api/users/me/tokens", "/api/users/{user_id}/tokens", ["me"]),
        ("/api/users/you", "/api/users/{user_id}", ["you"]),
        ("/api/category/1", "/api/categories/{category_id}", ["1"]),
    ],
)
def test_a_path_finds_its_template(path: str, template: str, values: list[str]) -> None:
    found = TABLE.find(path)
    assert found is not None
    assert (found[0].template, list(found[1])) == (template, values)


@pytest.mark.parametrize(
    "path",
    ["", "/api", "/metric", "/api/tasks/", "/api/tasks//history", "/api/tasks/7/", "/api/tasks/7/nothing", "/API/tasks",
     "/api/users/me/nothing", "/api/tasks/7/comments", "//api/tasks", "/" + "a/" * 10_000],
)  # fmt: skip
def test_a_path_that_is_none_finds_nothing(path: str) -> None:
    assert TABLE.find(path) is None


def test_two_routes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two routes are called GET /api/tasks"):
        RouteTable([Point("/api/tasks"), Point("/api/tasks")])


@pytest.mark.parametrize(
    "plural, expected",
    [("tasks", "task"), ("categories", "category"), ("quick-add", None), ("me", None), ("progress", None)],
)
def test_singulars(plural: str, expected: str | None) -> None:
    assert singular(plural) == expected

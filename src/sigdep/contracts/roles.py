"""Who may do what in a workspace."""

from typing import Final, Literal

Role = Literal["owner", "admin", "member", "viewer"]

_RANK: Final[dict[Role, int]] = {"viewer": 1, "member": 2, "admin": 3, "owner": 4}


def at_least(role: Role, needed: Role) -> bool:
    """True when a role includes another: owner > admin > member > viewer."""
    return _RANK[role] >= _RANK[needed]

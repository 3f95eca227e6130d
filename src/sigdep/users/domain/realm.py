"""Where in the log people and workspaces stand, and whose keys seal what outlives them (docs/decisions/0002)."""

from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.ids import SubjectId

REALM: Final = WorkspaceId(UUID(int=1))
"""All people, addresses and workspaces are in one partition, so that one append can register somebody, hand a
workspace over, or erase: nothing is ever half done. Sessions and tokens are in the partition of their user's id."""

SYSTEM: Final = SubjectId(UUID(int=0))
"""Seals the facts of an erasure, which must stay readable when the keys of whom they are about are gone."""

RESERVED: Final = frozenset((REALM, SYSTEM))
"""No person and no workspace may have such an id: its erasure would destroy the key of all."""

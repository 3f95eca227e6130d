"""What each person wants to be told, and where they can be reached: one row each."""

from datetime import datetime
from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.notifications.domain.devices import DEVICES, Devices
from sigdep.notifications.domain.preferences import PREFERENCES, Preferences, digest_due

PREFERENCE_ROWS: Final = document_table(
    "preferences", [Column("digest_due_at", "instant")], indexes=[Index(("digest_due_at",))]
)
DEVICE_ROWS: Final = document_table("devices", [])


def preference_columns(preferences: Preferences) -> Row:
    due: datetime | None = digest_due(preferences)
    return {"digest_due_at": due}


def preference_model() -> DocumentModel[Preferences]:
    return DocumentModel("preferences", PREFERENCE_ROWS, PREFERENCES, preference_columns)


def device_model() -> DocumentModel[Devices]:
    return DocumentModel("devices", DEVICE_ROWS, DEVICES, lambda _devices: {})

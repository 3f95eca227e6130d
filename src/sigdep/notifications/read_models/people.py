"""What each person wants to be told, and where they can be reached: one row each."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.notifications.domain.devices import DEVICES, Devices
from sigdep.notifications.domain.preferences import PREFERENCES, Preferences, digest_due, lead_of

PREFERENCE_ROWS: Final = document_table(
    "preferences",
    PREFERENCES.schema,
    [Column("digest_due_at", "instant"), Column("lead_behind_since", "instant")],
    indexes=[Index(("digest_due_at",)), Index(("lead_behind_since",))],
)
DEVICE_ROWS: Final = document_table("devices", DEVICES.schema, [])


def preference_columns(preferences: Preferences) -> Row:
    is_behind = lead_of(preferences) != preferences.lead_applied
    return {
        "digest_due_at": digest_due(preferences),
        "lead_behind_since": preferences.updated_at if is_behind else None,
    }


def preference_model() -> DocumentModel[Preferences]:
    return DocumentModel("preferences", PREFERENCE_ROWS, PREFERENCES, preference_columns)


def device_model() -> DocumentModel[Devices]:
    return DocumentModel("devices", DEVICE_ROWS, DEVICES, lambda _devices: {})

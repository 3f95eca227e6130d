"""A message as Google's push service takes it, for phones of each kind."""

from hashlib import sha256
from typing import Any, Final

import msgspec

from sigdep.adapters.fcm.account import FcmAccount
from sigdep.adapters.outgoing.fitting import fitting
from sigdep.kernel.channel import Message

BYTES_MAX: Final = 4_096
"""What Google takes. It counts the texts alone, we the whole: so none is refused for its size."""

COLLAPSE_ID_BYTES_MAX: Final = 64
"""Apple's bound."""


def encode(message: Message, token: str, now: float) -> bytes | None:
    """None: it does not fit, not even without its texts."""
    return fitting(message, lambda shortened: msgspec.json.encode(_request(shortened, token, now)), BYTES_MAX)


def path(account: FcmAccount) -> str:
    return f"/v1/projects/{account.project_id}/messages:send"


def tag_of(key: str) -> str:
    """The same for the same key: a repeat takes the place of what is shown already."""
    return key if len(key.encode()) <= COLLAPSE_ID_BYTES_MAX else sha256(key.encode()).hexdigest()


def _request(message: Message, token: str, now: float) -> dict[str, Any]:
    tag, keep = tag_of(message.key), message.keep_seconds
    told = {"key": message.key, "kind": message.kind, "link": message.link or ""}
    return {
        "message": {
            "token": token,
            "notification": {"title": message.title, "body": message.body},
            "data": {**told, "occurred_at": message.occurred_at.isoformat()},
            "android": {
                "ttl": f"{keep}s",
                "priority": "HIGH" if message.urgent else "NORMAL",
                "notification": {"tag": tag},
            },
            "apns": {
                "headers": {
                    "apns-collapse-id": tag,
                    "apns-expiration": str(int(now) + keep),
                    "apns-priority": "10" if message.urgent else "5",
                }
            },
            "webpush": {
                "headers": {"TTL": str(keep), "Urgency": "high" if message.urgent else "normal"},
                "notification": {"tag": tag},
            },
        }
    }

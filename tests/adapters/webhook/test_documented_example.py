"""The example in the reference believes what we send, and nothing else."""

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import pytest

from sigdep.adapters.webhook.signing import key_of, signatures
from sigdep.notifications.domain.webhook_delivery import PAUSES

REFERENCE = Path(__file__).parents[3] / "docs/reference/webhooks.md"
OLD, NEW = (f"whsec_{b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))
BODY = '{"type": "sigdep.tasks.TaskCompleted", "data": {"title": "Größe"}}'.encode()

IsGenuine = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture(scope="module")
def is_genuine() -> IsGenuine:
    found = re.search(r"```python\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], str(REFERENCE), "exec"), names)
    example: IsGenuine = names["is_genuine"]
    return example


def headers(*secrets: str, at: float | None = None) -> dict[str, str]:
    timestamp = int(time() if at is None else at)
    signature = signatures([key_of(secret) for secret in secrets], "id", timestamp, BODY)
    return {"webhook-id": "id", "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_it_believes_what_we_send(is_genuine: IsGenuine) -> None:
    assert is_genuine(OLD, headers(OLD), BODY)
    for secret in (OLD, NEW):
        assert is_genuine(secret, headers(NEW, OLD), BODY)


def test_it_believes_nothing_else(is_genuine: IsGenuine) -> None:
    assert not is_genuine(NEW, headers(OLD), BODY)
    assert not is_genuine(OLD, headers(OLD), BODY + b" ")
    assert not is_genuine(OLD, headers(OLD) | {"webhook-id": "other"}, BODY)
    assert not is_genuine(OLD, headers(OLD) | {"webhook-signature": "v1,"}, BODY)
    assert not is_genuine(OLD, headers(OLD, at=time() - 400), BODY)


def test_the_reference_names_every_pause() -> None:
    words = []
    for pause in PAUSES[1:]:
        seconds = int(pause.total_seconds())
        words.append(
            f"{seconds} s" if seconds < 60 else f"{seconds // 60} min" if seconds < 3_600 else f"{seconds // 3_600} h"
        )
    assert f"{', '.join(words[:-1])} and {words[-1]} after" in REFERENCE.read_text()

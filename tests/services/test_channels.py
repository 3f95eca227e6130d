"""Which channels there are: what an operator has set, and a sentence for what cannot be."""

import json
import stat
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sigdep.services.channels import open_channels, survey, vapid_subject
from sigdep.services.settings import BadSetting, Settings
from sigdep.testing.channel import message
from sigdep.testing.fcm_sink import FcmSink
from sigdep.testing.smtp_sink import SmtpSink
from sigdep.testing.webhook_sink import WebhookSink


async def opened(folder: Path, **settings: Any) -> set[str]:
    async with AsyncExitStack() as stack:
        return set(open_channels(Settings(**settings), folder, stack))


async def test_without_settings_there_are_webhooks_and_pushes_to_browsers(tmp_path: Path) -> None:
    assert await opened(tmp_path) == {"webhook", "web_push"}


async def test_the_key_of_pushes_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    await opened(tmp_path)
    key = tmp_path / "vapid-key.pem"
    made = key.read_bytes()
    await opened(tmp_path)
    assert key.read_bytes() == made
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_where_no_key_can_be_made_nothing_else_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting):
        await opened(tmp_path / "file" / "secrets", vapid_subject="me")
    assert await opened(tmp_path / "file" / "secrets") == {"webhook"}


async def test_each_channel_that_is_set_arrives_where_its_settings_say(tmp_path: Path) -> None:
    mail, google, receiver = SmtpSink(), FcmSink(), WebhookSink()
    async with AsyncExitStack() as stack:
        for sink in (mail, google, receiver):
            await sink.start()
            stack.push_async_callback(sink.stop)
        account = tmp_path / "account.json"
        account.write_bytes(google.account)
        settings = Settings(
            smtp_url=f"smtp+plain://127.0.0.1:{mail.port}",
            smtp_from="SigDep <sigdep@example.org>",
            fcm_account=str(account),
            fcm_endpoint=google.url,
            outgoing_allow="127.0.0.0/8",
        )
        channels = open_channels(settings, tmp_path, stack)
        assert set(channels) == {"webhook", "web_push", "email", "fcm"}
        await channels["email"].send(b'{"address": "ada@example.com"}', message())
        await channels["fcm"].send(b'{"token": "device"}', message())
        target = json.dumps({"url": receiver.url, "secrets": [receiver.secret]}).encode()
        await channels["webhook"].send(target, message())
        assert [sink.records.keys for sink in (mail, google, receiver)] == [["0192f3a8-key"]] * 3


@pytest.mark.parametrize(
    "variable, settings",
    [
        ("SIGDEP_SMTP_URL", {"smtp_url": "mail.example:secret@25", "smtp_from": "a@example.org"}),
        ("SIGDEP_SMTP_FROM", {"smtp_url": "smtps://ada:secret@mail.example"}),
        ("SIGDEP_FCM_ACCOUNT", {"fcm_account": "/there/is/none.json"}),
        ("SIGDEP_FCM_ACCOUNT", {"fcm_account": __file__}),
        ("SIGDEP_OUTGOING_ALLOW", {"outgoing_allow": "the intranet"}),
        ("SIGDEP_VAPID_SUBJECT", {"vapid_subject": "ada@example.com"}),
    ],
)
async def test_what_cannot_be_is_said_by_name(tmp_path: Path, variable: str, settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=variable) as error:
        await opened(tmp_path, **settings)
    assert "secret" not in str(error.value)
    if variable != "SIGDEP_VAPID_SUBJECT":
        assert any(found.wrong and variable in found.detail for found in survey(Settings(**settings)))


def test_whom_push_services_can_write_to() -> None:
    assert vapid_subject(Settings()) == ""
    assert vapid_subject(Settings(public_url="http://127.0.0.1:8000")) == ""
    assert vapid_subject(Settings(smtp_from="SigDep <a@example.org>")) == "mailto:a@example.org"
    assert vapid_subject(Settings(smtp_from="a@example.org")) == "mailto:a@example.org"
    assert vapid_subject(Settings(public_url="https://x.example", smtp_from="a@b.org")) == "https://x.example"
    assert vapid_subject(Settings(public_url="https://x.example", vapid_subject="mailto:o@b.org")) == "mailto:o@b.org"

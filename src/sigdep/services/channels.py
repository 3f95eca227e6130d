"""Opens the channels by which messages leave, as far as an operator has set them."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from sigdep.adapters.fcm.account import FcmAccount
from sigdep.adapters.fcm.channel import FcmChannel
from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webhook.channel import WebhookChannel
from sigdep.adapters.webpush.channel import WebPushChannel
from sigdep.kernel.channel import Channel
from sigdep.services.server_secrets import load_vapid_key
from sigdep.services.settings import BadSetting, Settings

ACCOUNT_BYTES_MAX: Final = 64 * 1024

_log = structlog.get_logger("sigdep.channels")


class Surveyed(Struct, frozen=True):
    """One channel, as `sigdep doctor` speaks of it."""

    what: str
    detail: str
    wrong: bool = False


def open_channels(settings: Settings, secrets: Path, stack: AsyncExitStack) -> Mapping[str, Channel]:
    """The channels that are set, by their names: `webhook`, `web_push`, `email`, `fcm`. Nothing is connected to yet.

    Args:
        secrets: the folder that holds the key of Web Push, or shall.
        stack: closes them.

    Raises:
        BadSetting: one of them is set to something that cannot be.
        SecretsExposed: others can read the key.
    """
    opened: dict[str, Channel] = {"webhook": WebhookChannel(_outgoing(settings))}
    for name, open_one in _OPTIONAL.items():
        channel = open_one(settings, secrets)
        if channel is not None:
            opened[name] = channel
    for channel in opened.values():
        stack.push_async_callback(channel.close)
    return opened


def url_objections(webhooks: Channel) -> Callable[[str], str | None]:
    """Says of a URL, in the words of the channel of webhooks, why nothing will ever reach it."""
    secret = f"whsec_{b64encode(bytes(32)).decode()}"
    return lambda url: webhooks.objection(msgspec.json.encode({"url": url, "secrets": [secret]}))


def push_key(channels: Mapping[str, Channel]) -> Callable[[], str]:
    """Says by what browsers know this server. Empty: nothing is pushed to them. Loads what signs when it is asked."""
    web_push = channels.get("web_push")
    return lambda: web_push.vapid.public if isinstance(web_push, WebPushChannel) else ""


def survey(settings: Settings) -> Iterator[Surveyed]:
    """What each channel is set to, without opening any and without making a key."""
    yield _surveyed("E-mail", settings, _email, settings.smtp_url, "set SIGDEP_SMTP_URL to send any")
    yield _surveyed("Pushes to phones", settings, _fcm, settings.fcm_account, "set SIGDEP_FCM_ACCOUNT to send any")
    yield Surveyed("Pushes to browsers", f"signed for {vapid_subject(settings) or 'nobody: set SIGDEP_VAPID_SUBJECT'}")
    try:
        AddressRules.parse(settings.outgoing_allow)
    except ValueError as error:
        yield Surveyed("Webhooks", f"SIGDEP_OUTGOING_ALLOW: {error}", wrong=True)
    else:
        yield Surveyed("Webhooks", f"to outside{' and ' if settings.outgoing_allow else ''}{settings.outgoing_allow}")


def vapid_subject(settings: Settings) -> str:
    """Whom push services can write to. Empty: they are not told, and Apple's takes nothing then."""
    if settings.vapid_subject or settings.public_url.startswith("https://"):
        return settings.vapid_subject or settings.public_url
    address = settings.smtp_from.rpartition("<")[2].rstrip("> ")
    return f"mailto:{address}" if address else ""


def _surveyed(
    what: str, settings: Settings, open_one: "Callable[[Settings, Path], Channel | None]", value: str, missing: str
) -> Surveyed:
    try:
        channel = open_one(settings, settings.data_path)
    except BadSetting as error:
        return Surveyed(what, str(error), wrong=True)
    return Surveyed(what, missing if channel is None else "set")


def _outgoing(settings: Settings) -> Outgoing:
    try:
        return Outgoing(AddressRules.parse(settings.outgoing_allow))
    except ValueError as error:
        raise BadSetting(f"SIGDEP_OUTGOING_ALLOW: {error}.") from None


def _web_push(settings: Settings, secrets: Path) -> Channel | None:
    subject = vapid_subject(settings)
    if subject and not subject.startswith(("mailto:", "https://")):
        raise BadSetting("SIGDEP_VAPID_SUBJECT begins with mailto: or https://.")
    try:
        key = load_vapid_key(secrets)
    except OSError as error:  # A folder of secrets that is mounted read-only, and was made before there was this key.
        _log.warning("browsers get no pushes: there is no key, and none can be made", error=type(error).__name__)
        return None
    return WebPushChannel(_outgoing(settings), key, subject=subject)


def _email(settings: Settings, _secrets: Path) -> Channel | None:
    if not settings.smtp_url:
        return None
    # Loaded where e-mail is sent: aiosmtplib and the package of Python's that writes letters are not needed elsewhere.
    from sigdep.adapters.smtp.channel import SmtpChannel  # noqa: PLC0415
    from sigdep.adapters.smtp.mailbox import Mailbox  # noqa: PLC0415
    from sigdep.adapters.smtp.server import MailServer  # noqa: PLC0415

    try:
        server = MailServer.parse(settings.smtp_url)
    except ValueError as error:
        raise BadSetting(f"SIGDEP_SMTP_URL: {error}") from None
    try:
        sender = Mailbox.parse_named(settings.smtp_from)
    except ValueError as error:
        raise BadSetting(f"SIGDEP_SMTP_FROM: {error}") from None
    return SmtpChannel(server, sender)


def _fcm(settings: Settings, _secrets: Path) -> Channel | None:
    if not settings.fcm_account:
        return None
    path = Path(settings.fcm_account).expanduser()
    try:
        with path.open("rb") as file:
            account = FcmAccount.parse(file.read(ACCOUNT_BYTES_MAX))
    except OSError as error:
        raise BadSetting(f"SIGDEP_FCM_ACCOUNT: {path}: {(error.strerror or str(error)).lower()}.") from None
    except ValueError as error:
        raise BadSetting(f"SIGDEP_FCM_ACCOUNT: {path}: {error}") from None
    return FcmChannel(Outgoing(AddressRules.anywhere()), account, endpoint=settings.fcm_endpoint)


_OPTIONAL: Final[Mapping[str, Callable[[Settings, Path], Channel | None]]] = {
    "web_push": _web_push,
    "email": _email,
    "fcm": _fcm,
}

"""A message as an e-mail (RFC 5322): what a user has written is text in it, and never structure."""

import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from typing import Final

from sigdep.adapters.smtp.mailbox import Mailbox
from sigdep.kernel.channel import Message

SUBJECT_CHARACTERS_MAX: Final = 200
BODY_CHARACTERS_MAX: Final = 100_000

_SAFE_KEY: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,62}[A-Za-z0-9]", re.ASCII)
_SAFE_LINK: Final = re.compile(r"https?://[!#-;=?-~]{1,900}", re.ASCII)
"""Of printable ASCII all but quotes and angle brackets."""


def letter(message: Message, sender: Mailbox, receiver: Mailbox, written_at: str) -> bytes:
    """
    Args:
        written_at: for its Date, as `date_of` gives it.
    """
    policy = SMTP if receiver.is_ascii and sender.is_ascii else SMTPUTF8
    mail = EmailMessage(policy=policy)
    mail["From"], mail["To"] = _address(sender), _address(receiver)
    mail["Subject"] = one_line(message.title)[:SUBJECT_CHARACTERS_MAX]
    mail["Date"] = written_at
    mail["Message-ID"] = message_id(message.key, sender)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers.
    mail.set_content(_plain(message))
    mail.add_alternative(_html(message), subtype="html")
    # Before the others, and by hand: a long URL would be folded, or encoded, and no program would know it any more.
    return _unsubscribing(message.unsubscribe_link) + mail.as_bytes()


def message_id(key: str, sender: Mailbox) -> str:
    """The same for the same key: some mail servers and programs show only one of two."""
    local = key if _SAFE_KEY.fullmatch(key) else sha256(key.encode()).hexdigest()
    return f"<{local}@{sender.ascii_domain}>"


def date_of(moment: datetime) -> str:
    return format_datetime(moment)


def one_line(text: str) -> str:
    """Without line ends and other characters that are no text: each is a space."""
    return " ".join("".join(" " if _is_control(character) else character for character in text).split())


def _lines(text: str) -> str:
    kept = text.replace("\r\n", "\n").replace("\r", "\n")[:BODY_CHARACTERS_MAX]
    return "".join(character if character in "\n\t" or not _is_control(character) else " " for character in kept)


def _is_control(character: str) -> bool:
    """Also the ends of lines that Unicode adds, and halves of characters."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _address(mailbox: Mailbox) -> Address:
    return Address(one_line(mailbox.name), mailbox.local_part, mailbox.ascii_domain)


def _plain(message: Message) -> str:
    parts = [one_line(message.title), _lines(message.body), _safe(message.link)]
    if unsubscribe := _safe(message.unsubscribe_link):
        parts.append(f"-- \nNo more of these: {unsubscribe}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(message: Message) -> str:
    parts = [f"<p><strong>{escape(one_line(message.title))}</strong></p>"]
    if message.body:
        parts.append(f'<p style="white-space: pre-wrap">{escape(_lines(message.body))}</p>')
    if link := _safe(message.link):
        parts.append(f'<p><a href="{escape(link)}">{escape(link)}</a></p>')
    if unsubscribe := _safe(message.unsubscribe_link):
        parts.append(f'<p><small><a href="{escape(unsubscribe)}">No more of these</a></small></p>')
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n' + "\n".join(parts) + "\n</body></html>\n"
    )


def _safe(link: str | None) -> str:
    return link if link is not None and _SAFE_LINK.fullmatch(link) else ""


def _unsubscribing(link: str | None) -> bytes:
    if not (safe := _safe(link)):
        return b""
    header = f"List-Unsubscribe: <{safe}>\r\n"
    if safe.startswith("https://"):  # RFC 8058 §3.1
        header += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return header.encode()

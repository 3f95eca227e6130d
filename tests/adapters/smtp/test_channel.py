"""E-mail keeps the contract of channels, and is what mail servers and programs expect of a machine's letter."""

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec.structs import replace

from sigdep.adapters.smtp.channel import SmtpChannel
from sigdep.adapters.smtp.letter import message_id
from sigdep.adapters.smtp.mailbox import Mailbox
from sigdep.adapters.smtp.server import MailServer
from sigdep.kernel.channel import Outcome, Postponed, Sent, Undeliverable
from sigdep.testing.channel import ChannelContract, OpenChannel, message
from sigdep.testing.smtp_sink import SmtpSink
from tests.rpc.certificates import Authority

SENDER = Mailbox.parse_named("SigDep <reminders@sigdep.example>")
ADA = json.dumps({"address": "ada@example.com", "name": "Ada"}).encode()
AUTHORITY = Authority("mail")
PAPERS = AUTHORITY.papers()


def server(sink: SmtpSink, scheme: str = "smtp+plain", login: str = "", host: str = "127.0.0.1") -> MailServer:
    return MailServer.parse(f"{scheme}://{login}{host}:{sink.port}")


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    sink = SmtpSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def channel(sink: SmtpSink) -> AsyncIterator[SmtpChannel]:
    channel = SmtpChannel(server(sink), SENDER)
    yield channel
    await channel.close()


class TestSmtpChannel(ChannelContract):
    secrets = ("ada@example.com",)

    @pytest.fixture
    def sink(self, sink: SmtpSink) -> SmtpSink:
        return sink

    @pytest.fixture
    def open_channel(self, sink: SmtpSink) -> OpenChannel:
        return lambda seconds: SmtpChannel(server(sink), SENDER, seconds=seconds)

    @pytest.fixture
    def target(self) -> bytes:
        return ADA

    @pytest.fixture
    def impossible_targets(self) -> list[bytes]:
        addresses = [
            *("", "ada", "@example.com", "ada@", "ada@example.com, bob@example.com", "Ada <ada@example.com>"),
            *(
                "ada@example.com\r\nRCPT TO:<bob@example.com>",
                "ada@exa mple.com",
                "a@b@c.com",
                "ada@-x.com",
                "a..b@x.com",
            ),
            *(
                "a" * 65 + "@example.com",
                "ada@" + "x" * 64 + ".com",
                '"ada"@example.com',
                "ada@[127.0.0.1]",
                "\0@x.com",
            ),
        ]
        return [json.dumps({"address": address}).encode() for address in addresses]


def letter(sink: SmtpSink) -> EmailMessage:
    (arrived,) = sink.records.arrived
    found: EmailMessage = arrived.raw[0]
    assert sink.records.faults == []
    return found


async def test_a_letter_of_a_machine(sink: SmtpSink, channel: SmtpChannel) -> None:
    stop = "https://tasks.example/stop/" + "x" * 300
    outcome = await channel.send(ADA, replace(message(), unsubscribe_link=stop))
    mail = letter(sink)
    assert (mail["From"], mail["To"]) == ("SigDep <reminders@sigdep.example>", "Ada <ada@example.com>")
    assert mail["Message-ID"] == "<0192f3a8-key@sigdep.example>"
    assert outcome == Sent(reference="<0192f3a8-key@sigdep.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{stop}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for part in mail.iter_parts():
        assert isinstance(part, EmailMessage)
        for text in ("Tea with Grace", "In ten minutes.", "https://tasks.example/t/42", stop):
            assert text in part.get_content()


async def test_one_click_is_offered_with_tls_only(sink: SmtpSink, channel: SmtpChannel) -> None:
    await channel.send(ADA, replace(message(), unsubscribe_link="http://127.0.0.1:8000/stop"))
    mail = letter(sink)
    assert mail["List-Unsubscribe"] == "<http://127.0.0.1:8000/stop>"
    assert mail["List-Unsubscribe-Post"] is None


HOSTILE = "x\r\nBcc: all@example.com\r\n\r\n<script>"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": HOSTILE},
        {"key": HOSTILE},
        {"kind": HOSTILE},
        {"link": "https://x/" + HOSTILE},
        {"unsubscribe_link": "https://x/>" + HOSTILE},
        {"link": 'https://x/" onclick="alert(1)'},
        {"link": "javascript:alert(1)"},
        {"body": HOSTILE + "\r\n.\r\nMAIL FROM:<x@example.com>"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_no_field_of_a_message_adds_a_header_or_a_receiver(
    sink: SmtpSink, channel: SmtpChannel, changes: dict[str, str]
) -> None:
    assert isinstance(await channel.send(ADA, replace(message(), **changes)), Sent)
    mail = letter(sink)
    assert set(mail.keys()) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "X-Peer", "X-MailFrom", "X-RcptTo"),
    }
    html = mail.get_body(("html",))
    assert html is not None
    for harm in ("<script>", "javascript:", "onclick="):
        assert harm not in html.get_content()


async def test_a_name_is_shown_and_adds_nothing(sink: SmtpSink, channel: SmtpChannel) -> None:
    target = json.dumps({"address": "ada@example.com", "name": 'Ada" <x@example.com>,\r\nBcc: y@example.com'}).encode()
    assert isinstance(await channel.send(target, message()), Sent)
    mail = letter(sink)
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "ada@example.com"
    assert mail["Bcc"] is None


async def test_names_beyond_ascii(sink: SmtpSink, channel: SmtpChannel) -> None:
    for address, name in (("grüße@example.com", "Größe"), ("ada@bücher.example", "東京")):
        target = json.dumps({"address": address, "name": name}).encode()
        assert isinstance(await channel.send(target, message()), Sent)
    assert sink.records.faults == []
    assert [one.raw[1].rcpt_tos for one in sink.records.arrived] == [
        ["grüße@example.com"],
        ["ada@xn--bcher-kva.example"],
    ]


@pytest.mark.parametrize(
    "command, answer, gone",
    [
        ("RCPT", "550 5.1.1 Nobody", True),
        ("RCPT", "550 5.7.1 Nobody", False),
        ("RCPT", "550 Nobody", False),
        ("RCPT", "554 5.1.10 It takes none", True),
        ("MAIL", "550 5.1.1 Not you", False),
        ("DATA", "554 5.1.1 No", False),
    ],
)
async def test_an_address_is_forgotten_only_where_the_server_is_sure(
    sink: SmtpSink, channel: SmtpChannel, command: str, answer: str, gone: bool
) -> None:
    sink.answers[command] = answer
    outcome = await channel.send(ADA, message())
    assert isinstance(outcome, Undeliverable)
    assert outcome.target_is_gone == gone


@pytest.mark.parametrize("answer", ["421 4.3.2 Going down", "451 4.7.1 Grey", "452 4.2.2 Full"])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_what_passes_is_postponed(sink: SmtpSink, channel: SmtpChannel, command: str, answer: str) -> None:
    sink.answers[command] = answer
    assert isinstance(await channel.send(ADA, message()), Postponed)
    sink.answers.clear()
    assert isinstance(await channel.send(ADA, message()), Sent)


async def test_a_connection_serves_several_and_is_replaced_when_the_server_has_hung_up(
    sink: SmtpSink, channel: SmtpChannel
) -> None:
    for number in range(5):
        await channel.send(ADA, message(f"key-{number}"))
    assert sink.sessions == 1
    sink.hang_up()
    assert isinstance(await channel.send(ADA, message("after")), Sent)
    assert sink.sessions == 2


async def sent(mail_server: MailServer) -> Outcome:
    channel = SmtpChannel(mail_server, SENDER, authority=PAPERS.authority)
    try:
        return await channel.send(ADA, message())
    finally:
        await channel.close()


@contextmanager
def tls() -> Iterator[ssl.SSLContext]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "papers.pem"
        file.write_bytes(PAPERS.key + PAPERS.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        yield context


async def test_a_password_goes_over_tls_alone() -> None:
    with tls() as context:
        sink = SmtpSink(context, ("ada", "p:w/d"))
        await sink.start()
        try:
            assert isinstance(await sent(server(sink, "smtp", "ada:p%3Aw%2Fd@", "localhost")), Sent)
            refused = await sent(server(sink, "smtp", "ada:wrong@", "localhost"))
            assert isinstance(refused, Postponed)
            assert "SIGDEP_SMTP_URL" in refused.reason
            assert "wrong" not in refused.reason
            assert isinstance(await sent(server(sink, "smtp+plain")), Undeliverable | Postponed)
            assert sink.records.keys == ["0192f3a8-key"]
        finally:
            await sink.stop()


async def test_who_cannot_encrypt_or_shows_another_name_is_told_nothing(sink: SmtpSink) -> None:
    assert isinstance(await sent(server(sink, "smtp", "ada:secret@")), Postponed)
    with tls() as context:
        other = SmtpSink(context)
        await other.start()
        try:
            channel = SmtpChannel(server(other, "smtp", host="localhost"), SENDER)  # Nobody here trusts its authority.
            assert isinstance(await channel.send(ADA, message()), Postponed)
            await channel.close()
        finally:
            await other.stop()
    assert sink.records.arrived == other.records.arrived == []


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:99999", "smtp+plain://ada:secret@h"]
)
def test_a_server_that_cannot_be_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        MailServer.parse(url)
    assert "secret" not in str(caught.value)


def test_a_server_shows_no_password() -> None:
    assert "secret" not in repr(MailServer.parse("smtps://ada:secret@mail.example"))


def test_a_key_that_cannot_stand_in_a_header_is_replaced_by_its_digest() -> None:
    for key in ("a b", "a..b", "x" * 200, "<a>", "a@b", ".a"):
        found = message_id(key, SENDER)
        assert len(found) == len("<@sigdep.example>") + 64
    assert message_id("a b", SENDER) != message_id("a..b", SENDER)

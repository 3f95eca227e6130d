"""Brokers that talk TLS alone, and want to know who comes."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sigdep.rpc.tls import Tls
from sigdep.testing.broker_servers import BrokerServer
from sigdep.testing.kafka_server import KafkaServer
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.ports import HOST
from sigdep.testing.rabbitmq_server import RabbitMQServer
from sigdep.testing.redis_server import RedisServer
from tests.rpc.certificates import Authority

AUTHORITY: Final = Authority("The authority of these servers")

PAPERS: Final = AUTHORITY.papers()


def written(folder: Path, papers: Tls = PAPERS) -> tuple[Path, Path, Path]:
    """The files of an authority, a certificate and its key. They stay as they were first."""
    folder.mkdir(exist_ok=True)
    files = (folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    for file, text in zip(files, (papers.authority, papers.certificate, papers.key), strict=True):
        if not file.exists():  # A server that starts may be reading it.
            file.write_bytes(text)
    return files


def handshake(server: BrokerServer) -> bool:
    """Whether it shows a certificate of the authority, and takes one."""
    authority, certificate, key = written(server.folder / "papers")
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    with suppress(OSError), socket.create_connection((HOST, server.port), timeout=1) as client:
        context.wrap_socket(client, server_hostname="localhost").close()
        return True
    return False


class TlsNats(NatsServer):
    @property
    def url(self) -> str:
        return f"tls://localhost:{self.port}"

    def command(self) -> Sequence[str]:
        authority, certificate, key = written(self.folder / "papers")
        papers = ("--tlscacert", str(authority), "--tlscert", str(certificate), "--tlskey", str(key))
        return (*super().command(), "--tls", "--tlsverify", *papers)

    def answers(self) -> bool:
        """It greets in the clear, and goes on by TLS."""
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as client:
            return client.recv(4).startswith(b"INFO")
        return False


class TlsRedis(RedisServer):
    @property
    def url(self) -> str:
        return f"rediss://localhost:{self.port}/0"

    def command(self) -> Sequence[str]:
        authority, certificate, key = written(self.folder / "papers")
        papers = ("--tls-ca-cert-file", str(authority), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
        return (*super().command(), "--port", "0", "--tls-port", str(self.port), *papers)

    def answers(self) -> bool:
        return handshake(self)


RABBITMQ: Final = """
stream.listeners.tcp = none
stream.listeners.ssl.1 = {host}:{port}
ssl_options.cacertfile = {authority}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""


class TlsRabbitMQ(RabbitMQServer):
    @property
    def url(self) -> str:
        return f"rabbitmq-stream+tls://guest:guest@localhost:{self.port}"

    def prepare(self) -> None:
        super().prepare()
        authority, certificate, key = written(self.folder / "papers")
        configuration = self.folder / "rabbitmq.conf"
        usual = [line for line in configuration.read_text().splitlines() if "stream.listeners" not in line]
        ours = RABBITMQ.format(host=HOST, port=self.port, authority=authority, certificate=certificate, key=key)
        configuration.write_text("\n".join(usual) + ours)

    def answers(self) -> bool:
        return handshake(self)


KAFKA: Final = """
listener.security.protocol.map=PLAIN:SSL,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
inter.broker.listener.name=PROXIED
"""


class TlsKafka(KafkaServer):
    @property
    def url(self) -> str:
        return f"kafka+tls://localhost:{self.port}"

    def prepare(self) -> None:
        super().prepare()
        authority, certificate, key = written(self.folder / "papers")
        keystore = certificate.with_name("keystore.pem")
        keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
        ours = KAFKA.format(keystore=keystore, authority=authority).replace("localhost", HOST)
        changed = ("listener.security.protocol.map", "inter.broker.listener.name")
        usual = [line for line in self._properties.read_text().splitlines() if not line.startswith(changed)]
        self._properties.write_text("\n".join(usual) + ours)

    def answers(self) -> bool:
        return handshake(self)

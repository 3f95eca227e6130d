"""A Kafka that lets nobody in without a user and a password, in the clear and by TLS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sigdep.testing.kafka_server import KafkaServer, has_joined
from sigdep.testing.ports import HOST, free_port
from tests.services.distributed.tls_servers import written

USER: Final = "planner@home"

PASSWORD: Final = "p@ss/w:rd?#50%"

PORTER: Final = "porter"
"""Whom the mechanism PLAIN knows, and no other."""

WHO: Final = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"

PROPERTIES: Final = """
listeners=PLAIN://{host}:{port},PROXIED://{host}:{behind_proxy_port},TLS://{host}:{tls_port},INNER://{host}:{inner_port},\
CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAIN://{host}:{port},PROXIED://{host}:{proxy_port},TLS://localhost:{tls_port},\
INNER://{host}:{inner_port}
listener.security.protocol.map=PLAIN:SASL_PLAINTEXT,PROXIED:SASL_PLAINTEXT,TLS:SASL_SSL,INNER:PLAINTEXT,\
CONTROLLER:PLAINTEXT
inter.broker.listener.name=INNER
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256
listener.name.tls.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
{scram}
listener.name.tls.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{porter}="{password}";
ssl.client.auth=none
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
"""

SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class SaslKafka(KafkaServer):
    """It knows USER by both SCRAM, and PORTER by PLAIN, both with PASSWORD. At `inner_port` it lets in everybody."""

    format_options: Sequence[str] = tuple(
        option
        for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256")
        for option in ("--add-scram", f'{mechanism}=[name="{USER}",password="{PASSWORD}"]')
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.inner_port, self.tls_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"kafka://{WHO}@{HOST}:{self.port}"

    @property
    def authority(self) -> Path:
        return written(self.folder / "papers")[0]

    def prepare(self) -> None:
        super().prepare()
        changed = tuple(line.partition("=")[0] + "=" for line in PROPERTIES.splitlines() if line)
        usual = [line for line in self._properties.read_text().splitlines() if not line.startswith(changed)]
        self._properties.write_text("\n".join(usual) + self._own_properties())

    def answers(self) -> bool:
        return has_joined(self.inner_port)

    def _own_properties(self) -> str:
        _, certificate, key = written(self.folder / "papers")
        keystore = certificate.with_name("keystore.pem")
        keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
        scram = [
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config={SCRAM}"
            for listener in ("plain", "proxied", "tls")
            for mechanism in ("scram-sha-512", "scram-sha-256")
        ]
        ports = {name: value for name, value in vars(self).items() if name.endswith("port")}
        return PROPERTIES.format(
            host=HOST, scram="\n".join(scram), porter=PORTER, password=PASSWORD, keystore=keystore, **ports
        )

"""What an operator may set for one service of the distributed system."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from sigdep.rpc.tls import Tls
from sigdep.services.settings import BadSetting, Settings


class ServiceSettings(Settings, frozen=True, kw_only=True):
    """Every setting is also an environment variable: `SIGDEP_DATABASE_URL` for `database_url`."""

    database_url: Annotated[str, "PostgreSQL of this service alone: postgresql://user@host/database."] = ""
    keys_url: Annotated[str, "PostgreSQL that holds the key ring; it has backups of its own."] = ""
    secrets_dir: Annotated[str, "Folder with the secrets that all services share."] = ""
    instance: Annotated[
        str, "Name of the place where this process runs, and is started again when it dies: the pod's, as an example."
    ] = ""
    rpc_host: Annotated[str, "Address to listen on for other services."] = "127.0.0.1"
    rpc_port: Annotated[int, Meta(ge=0, le=65535), "Port to listen on for other services; 0 takes a free one."] = 0
    tasks_write: Annotated[
        str, "Where tasks.write is: host:port; for several dns:///name:port or ipv4:host:port,host:port."
    ] = ""
    tasks_read: Annotated[str, "Where tasks.read is."] = ""
    calendar_write: Annotated[str, "Where calendar.write is."] = ""
    calendar_read: Annotated[str, "Where calendar.read is."] = ""
    notifications_write: Annotated[str, "Where notifications.write is."] = ""
    notifications_read: Annotated[str, "Where notifications.read is."] = ""
    users_write: Annotated[str, "Where users.write is."] = ""
    users_read: Annotated[str, "Where users.read is."] = ""
    broker_url: Annotated[
        str,
        "nats://host:port, kafka://host:port, rabbitmq-stream://user:password@host:port or redis://host:port/0; "
        "with TLS tls://, kafka+tls://, rabbitmq-stream+tls:// or rediss://. "
        "None: services follow each other's logs directly.",
    ] = ""
    broker_authority: Annotated[
        str, "PEM file: who signs the broker's certificate. Not set: whom this system trusts."
    ] = ""
    broker_certificate: Annotated[str, "PEM file: what we show to the broker, if it wants to know who comes."] = ""
    broker_key: Annotated[str, "PEM file: the key of that certificate."] = ""
    broker_credentials: Annotated[str, "File of NATS credentials (.creds): who comes, in place of a user there."] = ""
    broker_replicas: Annotated[
        Literal[1, 3, 5], "Servers of a cluster of NATS or Kafka that keep each stream or topic that is made."
    ] = 1
    redis_url: Annotated[
        str, "redis://host:port/0: what gateways share, and lists at hand for tasks.read. None: they do without."
    ] = ""
    redis_authority: Annotated[str, "PEM file: who signs its certificate. Not set: whom this system trusts."] = ""
    redis_certificate: Annotated[str, "PEM file: what we show to it, if it wants to know who comes."] = ""
    redis_key: Annotated[str, "PEM file: the key of that certificate."] = ""
    search_url: Annotated[str, "OpenSearch: http://user:password@host:9200/name. None: PostgreSQL searches."] = ""
    search_authority: Annotated[str, "PEM file: who signs its certificate. Not set: whom this system trusts."] = ""

    accept_unsigned: Annotated[
        bool, "Believe callers without a passport: while a release is rolled out whose predecessor made none."
    ] = False

    metrics_host: Annotated[str, "Address on which this service shows figures and health by HTTP."] = "127.0.0.1"
    metrics_port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None, "Port for that; 0 takes a free one. Not set: it shows none."
    ] = None

    tls_authority: Annotated[str, "PEM file: who signs this system's certificates. Not set: no TLS."] = ""
    tls_certificate: Annotated[str, "PEM file: the certificate of this service."] = ""
    tls_key: Annotated[str, "PEM file: the key of that certificate."] = ""

    @property
    def tls(self) -> Tls | None:
        """What this service shows to others, and demands of them. None: it talks in the clear.

        Raises:
            BadSetting: a file is missing, or only some of the three are set.
        """
        if not (self.tls_authority or self.tls_certificate or self.tls_key):
            return None
        return Tls(
            authority=self.file("tls_authority"), certificate=self.file("tls_certificate"), key=self.file("tls_key")
        )

    def file(self, name: str) -> bytes:
        """What is in the file that a setting names.

        Raises:
            BadSetting: it is not set, or the file cannot be read.
        """
        path = Path(self.required(name)).expanduser()
        try:
            return path.read_bytes()
        except OSError as error:
            raise BadSetting(f"SIGDEP_{name.upper()}: {path}: {(error.strerror or str(error)).lower()}.") from None

    @property
    def secrets_path(self) -> Path:
        """
        Raises:
            BadSetting: it is not set.
        """
        return Path(self.required("secrets_dir")).expanduser()

    def required(self, name: str) -> str:
        """A setting that this service cannot do without.

        Raises:
            BadSetting: it is not set.
        """
        value = str(getattr(self, name))
        if not value:
            raise BadSetting(f"SIGDEP_{name.upper()} is not set, and this service cannot do without it.")
        return value

"""Both sides show who they are: mutual TLS between the services of one system."""

import grpc
from msgspec import Struct


class Tls(Struct, frozen=True, kw_only=True):
    """One side's papers, each in PEM."""

    authority: bytes
    """The certificate of who signs the certificates of this system. Nobody else's are accepted."""
    certificate: bytes
    """Ours, with those between it and the authority."""
    key: bytes
    """Of our certificate."""

    def __repr__(self) -> str:
        return "Tls(…)"  # No key in a log.

    def for_server(self) -> grpc.ServerCredentials:
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)], root_certificates=self.authority, require_client_auth=True
        )

    def for_client(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)

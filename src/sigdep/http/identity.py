"""The port through which the gateway learns who is asking."""

from typing import Protocol

from sigdep.rpc.call import Principal


class Identities(Protocol):
    """Knows what a bearer credential stands for: a session's access token, or an API token (`sigdep_…`)."""

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        """Who presents the credential, and their roles in all of their workspaces.

        Args:
            bearer: what stands behind `Authorization: Bearer`. Any text at all: it comes from outside.
            fresh: ask the side that writes, past every cache. Otherwise the roles may be one second old.

        Raises:
            Unauthenticated: it is no credential of ours, or has expired, or has been revoked.
            Unavailable: we cannot tell at present.
        """
        ...

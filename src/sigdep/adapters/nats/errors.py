"""What nats-py, the network and JetStream's API say, in the kernel's words."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import nats.errors
from msgspec import Struct

from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.kernel.errors import Unavailable

NO_SUCH_STREAM: Final = 10059
NO_SUCH_CONSUMER: Final = 10014
NO_SUCH_MESSAGE: Final = 10037
STREAM_DIFFERS: Final = 10058
"""The stream is there already, configured otherwise: its operator's choice."""
WRONG_LAST_SEQUENCE: Final = 10071
"""Another publisher was faster."""
ONE_ON_ITS_WAY: Final = 10164
"""Where several servers keep a stream, a message that names the one before it is refused until that one is stored."""
NO_CLUSTER: Final = 10074
"""There should be several replicas, and there is one server."""
TOO_FEW_SERVERS: Final = 10005
"""For the replicas that there should be, just now."""
INCOMPLETE_BATCH: Final = 10176
"""The first messages came while the server had no stream for them yet: it was starting. Nothing is stored."""

PASSING: Final = (INCOMPLETE_BATCH, TOO_FEW_SERVERS)
"""Although they look like mistakes."""

NOT_LET_IN: Final = (nats.errors.AuthorizationError, nats.errors.InvalidUserCredentialsError)

NOT_LET_IN_WORDS: Final = ("authorization violation", "authentication expired", "authentication revoked")
"""In what the server says, for which nats-py has no class while it connects."""

LOOK_AT_ADDRESS: Final = (
    "Look at the user and the password, or the token, in its address, or at the file of its credentials."
)

USELESS_TO_REPEAT: Final = (
    nats.errors.SecureConnRequiredError,
    nats.errors.SecureConnWantedError,
    nats.errors.MaxPayloadError,
    ssl.SSLCertVerificationError,
)


class ApiError(Struct, frozen=True):
    """JetStream's refusal."""

    code: int
    err_code: int = 0
    description: str = ""


class Refused(Exception):
    """JetStream has refused. Whoever asked knows what that means, or says `unavailable`."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.description)
        self.error = error

    def unavailable(self) -> Unavailable:
        """For a refusal that nobody expects: a want of resources passes, a wrong configuration does not."""
        passing = self.error.code >= 500 or self.error.code == 404 or self.error.err_code in PASSING
        if self.error.err_code == NO_CLUSTER:
            return OutOfOrder("NATS has no cluster for several replicas: set SIGDEP_BROKER_REPLICAS to 1.")
        kind = Away if passing else OutOfOrder
        return kind(f"JetStream refuses ({self.error.err_code}): {self.error.description}.")


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes through nats-py goes through this."""
    try:
        yield
    except NOT_LET_IN as error:
        raise OutOfOrder(f"NATS does not let us in: {_said(error)}. {LOOK_AT_ADDRESS}") from error
    except USELESS_TO_REPEAT as error:
        raise OutOfOrder(f"NATS cannot be used as it is configured: {_said(error)}.") from error
    # The plain TimeoutError too: nats-py raises it beside its own.
    except (nats.errors.Error, TimeoutError, asyncio.InvalidStateError, OSError) as error:
        if any(words in _said(error).lower() for words in NOT_LET_IN_WORDS):
            raise OutOfOrder(f"NATS does not let us in: {_said(error)}. {LOOK_AT_ADDRESS}") from error
        raise Away(f"NATS cannot be reached: {_said(error)}.") from error


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__

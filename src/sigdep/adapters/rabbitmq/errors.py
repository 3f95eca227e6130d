"""What RabbitMQ answers, rstream and the network raise, in the kernel's words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rstream import exceptions

from sigdep.adapters.outages import Away, OutOfOrder

NOT_LET_IN: Final = (
    exceptions.AccessRefused,
    exceptions.AuthenticationFailure,
    exceptions.SASLAuthenticationFailureLoopback,
    exceptions.SASLChallenge,
    exceptions.SASLError,
    exceptions.SASLMechanismNotSupported,
    exceptions.VirtualHostAccessFailure,
)

PASSING: Final = (
    exceptions.InternalError,
    exceptions.LeaderNotAvailable,
    exceptions.PublisherDoesNotExist,
    exceptions.StreamDoesNotExist,
    exceptions.StreamNotAvailable,
    exceptions.SubscriptionIDDoesNotExist,
)
"""The node is starting, or a stream has just been removed or has moved: a new attempt looks again."""


@contextmanager
def translated() -> Iterator[None]:
    """Everything that RabbitMQ is asked goes through this."""
    try:
        yield
    except (exceptions.ServerError, exceptions.ClientError, EOFError, OSError) as error:
        raise translation(error) from error


def translation(error: Exception) -> Away | OutOfOrder:
    """What we say instead."""
    said = str(error) or type(error).__name__
    if isinstance(error, NOT_LET_IN):
        where = "Look at the user, the password and the virtual host in its address."
        return OutOfOrder(f"RabbitMQ does not let us in: {said}. {where}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return OutOfOrder(f"RabbitMQ cannot be trusted: {said}.")
    if isinstance(error, (*PASSING, EOFError, OSError)):
        return Away(f"RabbitMQ cannot answer just now: {said}.")
    return OutOfOrder(f"RabbitMQ refuses: {said}.")

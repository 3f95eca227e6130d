"""What aiokafka, the network and Kafka's servers say, in the kernel's words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka import errors

from sigdep.adapters.outages import Away, OutOfOrder

OFFSET_OUT_OF_RANGE: Final = 1
NO_SUCH_TOPIC: Final = 3
TOPIC_IS_THERE: Final = 36
OUT_OF_ORDER_SEQUENCE: Final = 45
DUPLICATE_SEQUENCE: Final = 46
OLD_EPOCH: Final = 47

NOT_LET_IN: Final = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.IllegalSaslStateError,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
)

USELESS_TO_REPEAT: Final = (
    errors.ClusterAuthorizationFailedError,
    errors.IncompatibleBrokerVersion,
    errors.InvalidConfigurationError,
    errors.InvalidRequiredAcksError,
    errors.InvalidTopicError,
    errors.MessageSizeTooLargeError,
    errors.PolicyViolationError,
    errors.RecordListTooLargeError,
    errors.SecurityDisabled,
    errors.TopicAuthorizationFailedError,
    errors.UnsupportedCodecError,
    errors.UnsupportedForMessageFormatError,
    errors.UnsupportedVersionError,
    ssl.SSLCertVerificationError,
    NotImplementedError,  # So aiokafka says that a server speaks no version of a request that it knows.
)


LOOK_AT_ADDRESS: Final = "Look at the user, the password and ?sasl= in its address."


@contextmanager
def introducing() -> Iterator[None]:
    """What aiokafka makes of answers that are none of SASL's, or come from somebody who does not know the password."""
    try:
        yield
    except (ValueError, KeyError, AssertionError) as error:
        raise OutOfOrder(f"What answers is not the Kafka that knows our password. {LOOK_AT_ADDRESS}") from error


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes through aiokafka goes through this."""
    try:
        yield
    except NOT_LET_IN as error:
        raise OutOfOrder(f"Kafka does not let us in: {_said(error)}. {LOOK_AT_ADDRESS}") from error
    except USELESS_TO_REPEAT as error:
        raise OutOfOrder(f"Kafka cannot be used as it is configured: {_said(error)}.") from error
    except (errors.KafkaError, errors.ConsumerStoppedError, errors.IllegalOperation, EOFError, OSError) as error:
        raise Away(f"Kafka cannot answer just now: {_said(error)}.") from error


def check(error_code: int, where: str) -> None:
    """Look at the code that a part of an answer carries.

    Raises:
        Away: this may pass.
        OutOfOrder: this will not.
    """
    if error_code:
        with translated():
            raise errors.for_code(error_code)(f"error {error_code} from {where}")


def _said(error: Exception) -> str:
    """Not what `str` makes of it: aiokafka's own attempt fails where a class has no number."""
    return ": ".join((type(error).__name__, *map(str, error.args)))

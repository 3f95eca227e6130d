"""Values of JSON, of which Python takes some for equal that are not."""

from collections.abc import Mapping
from typing import Any


def differs(value: Any, other: Any) -> bool:
    """Whether two values are different JSON. To Python 1, 1.0 and true are equal."""
    if value != other:
        return True
    if isinstance(value, Mapping):
        return any(differs(part, other[key]) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return any(differs(part, one) for part, one in zip(value, other, strict=True))
    return type(value) is not type(other)

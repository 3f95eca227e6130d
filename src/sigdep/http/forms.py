"""Bodies that come as a form, where a standard asks for it: OAuth (RFC 6749 §3.2 and appendix B)."""

from typing import Any, Final, TypeVar

import msgspec
from msgspec import ValidationError

from sigdep.http.bodies import BodyReader, invalid
from sigdep.http.faults import control_characters_of, faults_of
from sigdep.http.parameters import pairs_of
from sigdep.http.refusals import Malformed, OAuthRefused
from sigdep.http.routes import Body
from sigdep.kernel.errors import Fault, Invalid

F = TypeVar("F")

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class Form(Body, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A body that comes as a form, or as JSON. What it does not know it ignores; an empty value is none.

    Whatever is wrong with it is refused as OAuth says it: 400, `{"error": "invalid_request"}`.
    """


class AnyForm(Body, frozen=True, kw_only=True):
    """A body of whatever kind, which nobody looks at: what is asked for stands in the address (RFC 8058 §3.2)."""


class AnyFormReader(BodyReader[F]):
    """Reads the bodies of one route, whose type is an AnyForm."""

    def read(self, body: bytes, headers: Any) -> F:
        return self._kind()


class FormReader(BodyReader[F]):
    """Reads the bodies of one route, whose type is a Form."""

    def read(self, body: bytes, headers: Any) -> F:
        """
        Raises:
            OAuthRefused: it is not what the route asks for.
            UnsupportedMediaType: it is neither a form nor JSON.
        """
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        try:
            return self._read_form(body) if media_type == FORM.encode() else super().read(body, headers)
        except (Invalid, Malformed) as error:
            raise OAuthRefused("invalid_request", error.detail) from error

    def _read_form(self, body: bytes) -> F:
        given = pairs_of(body)
        repeated = [name for name, values in given.items() if len(values) > 1]
        if repeated:
            raise Invalid(f"{repeated[0][:100]} stands there several times; send it once.")
        plain = {name: values[0] for name, values in given.items() if values[0]}
        if faults := control_characters_of(plain):
            raise invalid(faults)
        try:
            return msgspec.convert(plain, self._kind, strict=False)
        except ValidationError as error:
            raise invalid(faults_of(plain, self._kind) or [Fault("", str(error))]) from None

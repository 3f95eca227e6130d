"""Who is asked and who asks: ATTENDEE and ORGANIZER (RFC 5545 §3.8.4)."""

from typing import Final

from sigdep.ical.lines import Line, are_parameters, read_parameters, without_breaks, write_parameters
from sigdep.ical.model import Attendee

_KNOWN: Final = {"CN": "name", "ROLE": "role", "PARTSTAT": "answer", "CUTYPE": "kind"}


def read_attendee(line: Line) -> Attendee | None:
    """None where nobody is named. An address without a scheme is taken for one of e-mail."""
    address = line.value.strip()
    if not address:
        return None
    if ":" not in address and "@" in address:
        address = f"mailto:{address}"
    if address[:7].lower() == "mailto:":
        address = f"mailto:{address[7:].strip()}"
    known, rest = read_parameters(line.written_parameters, _KNOWN)
    fields = {field: known.get(name, "") for name, field in _KNOWN.items()}
    for field in ("role", "answer", "kind"):
        fields[field] = fields[field].upper()
    return Attendee(address=address, parameters=rest, **fields)


def write_attendee(name: str, attendee: Attendee) -> str:
    known = write_parameters((parameter, getattr(attendee, field)) for parameter, field in _KNOWN.items())
    rest = attendee.parameters if are_parameters(attendee.parameters) else ""
    return f"{name}{known}{rest}:{without_breaks(attendee.address)}"

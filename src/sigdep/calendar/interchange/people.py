"""Attendees, one from the other. A user is named by their id: this context knows no address of theirs."""

import re
from typing import Final, get_args
from uuid import UUID

from msgspec.structs import replace

from sigdep.calendar.domain.fields import EMAIL_LENGTH_MAX, EMAIL_PATTERN, NAME_LENGTH_MAX, attendee_key
from sigdep.calendar.events.appointments import Answer, Attendee, AttendeeRole
from sigdep.contracts.ids import UserId
from sigdep.ical.model import Attendee as Invited
from sigdep.kernel.ids import text_of

_MAILTO: Final = "mailto:"
_USER: Final = "urn:uuid:"
_EMAIL: Final = re.compile(EMAIL_PATTERN)
_UNSEEN: Final = re.compile(r"[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+")

_ROLES: Final[dict[str, AttendeeRole]] = {
    "CHAIR": "chair",
    "REQ-PARTICIPANT": "required",
    "OPT-PARTICIPANT": "optional",
    "NON-PARTICIPANT": "informed",
}
_ROLE_NAMES: Final = {role: name for name, role in _ROLES.items()}
_ANSWERS: Final[dict[str, Answer]] = {one.upper().replace("_", "-"): one for one in get_args(Answer)}


def one_line(text: str) -> str:
    """Every break, tab and control as one space."""
    return _UNSEEN.sub(" ", text).strip()


def attendee_of(invited: Invited) -> Attendee | None:
    """None for who has neither an address of e-mail nor an id of ours."""
    name = one_line(invited.name)[:NAME_LENGTH_MAX].strip() or None
    role = _ROLES.get(invited.role, "required")
    answer = _ANSWERS.get(invited.answer, "needs_action")
    if invited.address[: len(_USER)].lower() == _USER:
        try:
            identity = UserId(UUID(invited.address[len(_USER) :]))
        except ValueError:
            return None
        return Attendee(user_id=identity, name=name, role=role)  # They answer for themselves.
    email = invited.address.removeprefix(_MAILTO).lower()
    if not invited.address.startswith(_MAILTO) or len(email) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(email):
        return None
    return Attendee(email=email, name=name, role=role, answer=answer)


def invited_of(attendee: Attendee) -> Invited:
    user = attendee.user_id
    address = _MAILTO + str(attendee.email) if user is None else _USER + text_of(user)
    return Invited(
        address=address,
        name=attendee.name or "",
        role=_ROLE_NAMES[attendee.role],
        answer=attendee.answer.upper().replace("_", "-"),
    )


def says_more(invited: Invited) -> bool:
    """Whether something would be lost of it as an attendee of ours."""
    kept = attendee_of(invited)
    if kept is None or invited.kind or invited.parameters:
        return True
    again = invited_of(kept)
    return (again.address, again.name) != (invited.address, invited.name) or (
        invited.role not in ("", again.role) or invited.answer not in ("", again.answer)
    )


def without_answer(invited: Invited) -> Invited:
    """What is kept beside the attendee, whose role and answer are fields: no more than that it named them."""
    if attendee_of(invited) is None:
        return invited
    role = "REQ-PARTICIPANT" if invited.role in _ROLES else invited.role
    return replace(invited, role=role, answer="NEEDS-ACTION" if invited.answer in _ANSWERS else invited.answer)


def is_strange(invited: Invited) -> bool:
    return attendee_of(invited) is None


def with_kept(people: tuple[Attendee, ...], kept: tuple[Invited, ...]) -> tuple[Invited, ...]:
    """The attendees as they are now, with what else was said of them when they came; then those that are not ours."""
    known = {attendee_key(ours): one for one in kept if (ours := attendee_of(one)) is not None}
    shown = []
    for one in people:
        now, before = invited_of(one), known.get(attendee_key(one))
        if before is None:
            shown.append(now)
            continue
        came_as = attendee_of(before)
        assert came_as is not None
        shown.append(
            Invited(
                address=before.address,
                name=before.name if came_as.name == one.name else now.name,
                role=before.role if came_as.role == one.role else now.role,
                answer=before.answer if came_as.answer == one.answer else now.answer,
                kind=before.kind,
                parameters=before.parameters,
            )
        )
    return (*shown, *filter(is_strange, kept))

"""An address, which one account at a time may have."""

from collections.abc import Sequence
from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import State
from sigdep.users.commands.people import ClaimEmail, EmailCommand, ReleaseEmail
from sigdep.users.events.people import EmailClaimed, EmailEvent, EmailReleased


class Email(State):
    """Whose address it is. Nobody's, too, when its person has been erased: then the claim cannot be read."""

    user_id: UserId | None = None


class EmailTaken(Refused):
    def __init__(self) -> None:
        super().__init__("Another account has this email address.")


def decide(command: EmailCommand, email: Email) -> Sequence[EmailEvent]:
    match command:
        case ClaimEmail():
            if email.user_id == command.user_id:
                return []
            if email.user_id is not None:
                raise EmailTaken
            return [EmailClaimed(user_id=command.user_id, at=command.at)]
        case ReleaseEmail():
            return [EmailReleased(at=command.at)] if email.user_id == command.user_id else []


def evolve(email: Email, event: EmailEvent) -> Email:
    match event:
        case EmailClaimed():
            return Email(user_id=event.user_id)
        case EmailReleased():
            return Email()


email: Final = Decider(category="email", initial=Email(), decide=decide, evolve=evolve, schema="email-1")

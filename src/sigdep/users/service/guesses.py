"""Checks a password that somebody claims to know, and counts the wrong ones."""

from sigdep.kernel.errors import Unavailable
from sigdep.rpc.call import Call
from sigdep.users.domain.user import User
from sigdep.users.events.people import EmailId
from sigdep.users.service.surroundings import Surroundings


async def check_password(
    around: Surroundings, account: EmailId, person: User | None, password: str, call: Call
) -> bool:
    """Whether it is the person's password.

    Args:
        account: under what wrong guesses are counted, whether the account exists or not.
        person: None: nobody has this address. Takes as long, and is False.

    Raises:
        TooManyGuesses: too many wrong ones lately.
        PasswordsBusy: too many people are signing in at this moment.
    """
    throttle, at = around.throttle, call.asked_at
    password_hash = person.password_hash if person is not None and person.status == "active" else None
    if throttle is not None:
        throttle.charge(account, call.address, at)
    try:
        right = await around.passwords.check(password_hash, password)
    except Unavailable:
        if throttle is not None:
            throttle.refund(account, call.address)  # Nobody has learnt whether it was right.
        raise
    if right and throttle is not None:
        throttle.forgive(account, call.address)
    return right

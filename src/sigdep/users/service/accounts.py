"""Accounts: signing up, one's own profile, address and password, and the end."""

from collections.abc import Sequence
from typing import Final

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Forbidden, Invalid, Refused
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.messages import UNSET
from sigdep.kernel.unit_of_work import Outcome, UnitOfWork
from sigdep.rpc.call import Answer, Call
from sigdep.users.commands.people import (
    CancelUserErasure,
    ChangeEmail,
    ChangePassword,
    ClaimEmail,
    EditProfile,
    RegisterUser,
    ReleaseEmail,
    RequestUserErasure,
    UserCommand,
)
from sigdep.users.commands.requests import ChangeAccount, EraseAccount, KeepAccount, SignUp
from sigdep.users.commands.workspaces import CreateWorkspace
from sigdep.users.credentials.opaque import derived_id
from sigdep.users.domain import email, user, workspace
from sigdep.users.domain.addresses import check_new_password, normalised
from sigdep.users.domain.email import EmailTaken
from sigdep.users.domain.texts import check_line, check_locale
from sigdep.users.domain.user import User, UserNotFound
from sigdep.users.events.people import SessionId
from sigdep.users.queries import Profile
from sigdep.users.service.guesses import check_password
from sigdep.users.service.surroundings import IdTaken, Surroundings
from sigdep.users.service.time_zones import check_time_zone

PERSONAL_WORKSPACE_NAME: Final = "Personal"


class OwnerlessWorkspaces(Refused):
    """Others depend on workspaces that would be left without an owner."""

    def __init__(self, names: Sequence[str]) -> None:
        listed = ", ".join(repr(name) for name in names)
        super().__init__(f"You are the only owner of {listed}. Make another member an owner first, or delete it.")


class Accounts:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def sign_up(self, request: SignUp, call: Call) -> Answer[Profile]:
        around = self._around
        outcome = await around.answered(call)
        if outcome is None:
            command = await self._registration(request, call)
            home = CreateWorkspace(
                workspace_id=command.personal_workspace_id,
                name=PERSONAL_WORKSPACE_NAME,
                by=command.user_id,
                at=call.asked_at,
                personal=True,
            )

            async def work(unit: UnitOfWork) -> None:
                await self._register(unit, command, home)

            outcome = await around.carry_out(call, work, actor=command.user_id)
        return self._answer(outcome, created=True)

    async def _registration(self, request: SignUp, call: Call) -> RegisterUser:
        """The command that a request stands for, once it is worth the time of hashing its password."""
        around = self._around
        email_id = around.opaque.email_id(normalised(request.email))
        check_new_password(request.password, request.email)
        check_time_zone(request.time_zone)
        check_locale(request.locale)
        name = check_line(request.name, "/name")
        if (await around.present(around.emails, email_id)).user_id is not None:
            raise EmailTaken
        return RegisterUser(
            user_id=request.user_id or UserId(derived_id(call.command_id, "user")),
            email=request.email,
            email_id=email_id,
            name=name,
            password_hash=await around.passwords.hash(request.password),
            personal_workspace_id=WorkspaceId(derived_id(call.command_id, "personal workspace")),
            time_zone=request.time_zone,
            locale=request.locale,
            at=call.asked_at,
        )

    async def _register(self, unit: UnitOfWork, command: RegisterUser, home: CreateWorkspace) -> None:
        around, user_id = self._around, command.user_id
        if user_id == home.workspace_id:
            raise IdTaken
        claim = await unit.load(around.emails, command.email_id)
        claimed = email.decide(ClaimEmail(user_id=user_id, at=command.at), claim)
        await around.check_id_is_free(unit, user_id)
        await around.check_id_is_free(unit, home.workspace_id)
        person = await unit.load(around.users, user_id)
        place = await unit.load(around.workspaces, home.workspace_id)
        unit.record(around.emails, command.email_id, SubjectId(user_id), claimed)
        unit.record(around.users, user_id, SubjectId(user_id), user.decide(command, person))
        unit.record(around.workspaces, home.workspace_id, SubjectId(home.workspace_id), workspace.decide(home, place))
        unit.show(around.users, user_id)

    async def change(self, request: ChangeAccount, call: Call) -> Answer[Profile]:
        around = self._around
        outcome = await around.answered(call)
        if outcome is None:
            checked_hash: str | None = None
            if request.email is not UNSET or request.password is not UNSET:
                checked_hash = await self._check_current_password(request, call)
            commands = await self._changes(request, call)

            async def work(unit: UnitOfWork) -> None:
                person = await self._load(unit, call)
                if checked_hash is not None and person.password_hash != checked_hash:
                    raise Refused("Your password has just been changed. Please try again with the new one.")
                for command in commands:
                    if isinstance(command, ChangeEmail):
                        await self._move_claim(unit, person, command)
                    person = self._record(unit, person, command)

            outcome = await around.carry_out(call, work)
        return self._answer(outcome)

    async def _check_current_password(self, request: ChangeAccount, call: Call) -> str:
        """The hash that the present password fits."""
        if request.current_password is UNSET:
            raise Invalid.at("/current_password", "To change your address or password, give the present password too.")
        person = await self._around.present(self._around.users, call.caller.user_id)
        if not await check_password(self._around, person.email_id, person, request.current_password, call):
            raise Invalid.at("/current_password", "This is not your present password.")
        return person.password_hash

    async def _changes(self, request: ChangeAccount, call: Call) -> list[UserCommand]:
        around, user_id, at = self._around, call.caller.user_id, call.asked_at
        commands: list[UserCommand] = [self._profile_edit(request, call)]
        address = (await around.present(around.users, user_id)).email
        if request.email is not UNSET:
            address = request.email
            email_id = around.opaque.email_id(normalised(address))
            commands.append(ChangeEmail(user_id=user_id, email=address, email_id=email_id, at=at))
        if request.password is not UNSET:
            check_new_password(request.password, address)
            password_hash = await around.passwords.hash(request.password)
            commands.append(
                ChangePassword(user_id=user_id, password_hash=password_hash, session_id=session_of(call), at=at)
            )
        return commands

    def _profile_edit(self, request: ChangeAccount, call: Call) -> EditProfile:
        if request.time_zone is not UNSET:
            check_time_zone(request.time_zone)
        if request.locale is not UNSET:
            check_locale(request.locale)
        return EditProfile(
            user_id=call.caller.user_id,
            at=call.asked_at,
            name=UNSET if request.name is UNSET else check_line(request.name, "/name"),
            time_zone=request.time_zone,
            locale=request.locale,
        )

    async def _move_claim(self, unit: UnitOfWork, person: User, command: ChangeEmail) -> None:
        """From the old address to the new one, which may be the same in another spelling."""
        around, subject = self._around, SubjectId(command.user_id)
        if command.email_id == person.email_id:
            return
        claim = await unit.load(around.emails, command.email_id)
        claimed = email.decide(ClaimEmail(user_id=command.user_id, at=command.at), claim)
        former = await unit.load(around.emails, person.email_id)
        released = email.decide(ReleaseEmail(user_id=command.user_id, at=command.at), former)
        unit.record(around.emails, command.email_id, subject, claimed)
        unit.record(around.emails, person.email_id, subject, released)

    async def erase(self, request: EraseAccount, call: Call) -> Answer[Profile]:
        around, user_id = self._around, call.caller.user_id
        if call.caller.credential != "session":
            raise Forbidden("Sign in to erase your account: a token is not enough.")
        await around.reads.wait_until_caught_up()
        places = await around.reads.roles_of(user_id)
        command = RequestUserErasure(user_id=user_id, due_at=call.asked_at + around.rules.erase_grace, at=call.asked_at)

        async def work(unit: UnitOfWork) -> None:
            person = await self._load(unit, call)
            ownerless = []
            for workspace_id in places:
                place = await unit.load(around.workspaces, workspace_id, guard=True)
                if place.owners == [user_id] and len(place.members) > 1:
                    ownerless.append(place.name)
            if ownerless:
                raise OwnerlessWorkspaces(ownerless)
            self._record(unit, person, command)

        return self._answer(await around.carry_out(call, work))

    async def keep(self, request: KeepAccount, call: Call) -> Answer[Profile]:
        command = CancelUserErasure(user_id=call.caller.user_id, at=call.asked_at)

        async def work(unit: UnitOfWork) -> None:
            self._record(unit, await self._load(unit, call), command)

        return self._answer(await self._around.carry_out(call, work))

    async def _load(self, unit: UnitOfWork, call: Call) -> User:
        """The caller, at the version that their If-Match names."""
        around, user_id = self._around, call.caller.user_id
        person = await unit.load(around.users, user_id)
        if person.status != "active":
            raise UserNotFound
        call.match(around.users.decider.stream(user_id), unit.version(around.users, user_id))
        unit.show(around.users, user_id)
        return person

    def _record(self, unit: UnitOfWork, person: User, command: UserCommand) -> User:
        return unit.record(self._around.users, person.id, SubjectId(person.id), user.decide(command, person))

    def _answer(self, outcome: Outcome, *, created: bool = False) -> Answer[Profile]:
        return Answer(
            value=profile_of(outcome.state, outcome.version),
            position=self._around.position(outcome),
            version=outcome.version,
            created=created,
        )


def session_of(call: Call) -> SessionId | None:
    """The session that asks. None: a token does."""
    caller = call.caller
    if caller.credential != "session" or caller.credential_id is None:
        return None
    return SessionId(caller.credential_id)


def profile_of(person: User, version: Version) -> Profile:
    """
    Raises:
        UserNotFound: the person has been erased since.
    """
    if person.status != "active":
        raise UserNotFound
    return Profile(
        id=person.id,
        email=person.email,
        name=person.name,
        time_zone=person.time_zone,
        locale=person.locale,
        personal_workspace_id=person.personal_workspace_id,
        created_at=person.created_at,
        erased_at=person.erased_at,
        version=version,
    )

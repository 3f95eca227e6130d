"""`/api/users`."""

from collections.abc import Sequence

from sigdep.contracts.ids import UserId
from sigdep.http.routes import Body, Method, Route
from sigdep.kernel.errors import Refused, SigdepError, TooMany
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.rpc.call import Answer, Call, Service
from sigdep.users.api import shapes
from sigdep.users.commands.requests import ChangeAccount, EraseAccount, KeepAccount, SignUp
from sigdep.users.queries import GetProfile, Profile


class NewUser(Body, frozen=True, kw_only=True):
    email: shapes.Email
    password: shapes.NewPassword
    """Anything but the address itself."""
    name: shapes.Name
    id: UserId | None = None
    """A UUIDv7 of your own. Left out: the server makes one."""
    time_zone: shapes.TimeZone = "UTC"
    locale: shapes.Locale = "en"


class ProfileEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else."""

    name: shapes.Name | UnsetType = UNSET
    time_zone: shapes.TimeZone | UnsetType = UNSET
    locale: shapes.Locale | UnsetType = UNSET
    email: shapes.Email | UnsetType = UNSET
    """Needs `current_password`."""
    password: shapes.NewPassword | UnsetType = UNSET
    """Needs `current_password`. Every other session ends."""
    current_password: shapes.Password | UnsetType = UNSET


class AccountHandlers:
    """From bodies to messages."""

    def __init__(self, write: Service, read: Service) -> None:
        self.write = write
        self.read = read

    async def create_user(self, call: Call, body: NewUser) -> Answer[Profile]:
        """The new person has a personal workspace. Sign in next: `POST /api/sessions`."""
        message = SignUp(
            email=body.email,
            password=body.password,
            name=body.name,
            time_zone=body.time_zone,
            locale=body.locale,
            user_id=body.id,
        )
        return await self.write.ask(message, call)

    async def get_me(self, call: Call) -> Answer[Profile]:
        return await self.read.ask(GetProfile(), call)

    async def edit_me(self, call: Call, body: ProfileEdits) -> Answer[Profile]:
        """Fields that are not named stay as they are. A new address or password needs the present password."""
        message = ChangeAccount(
            name=body.name,
            time_zone=body.time_zone,
            locale=body.locale,
            email=body.email,
            password=body.password,
            current_password=body.current_password,
        )
        return await self.write.ask(message, call)

    async def erase_me(self, call: Call) -> Answer[Profile]:
        """After a grace period, `erased_at`, the account and its personal workspace are erased for ever, and with them
        every workspace that nobody else belongs to. Until then `POST /api/users/me/keep` takes it back.

        Refused (409) while others depend on a workspace whose only owner you are; the answer names them.
        """
        return await self.write.ask(EraseAccount(), call)

    async def keep_me(self, call: Call) -> Answer[Profile]:
        """Takes back the erasure of the account, while there is time."""
        return await self.write.ask(KeepAccount(), call)


def account_routes(write: Service, read: Service) -> Sequence[Route]:
    handlers = AccountHandlers(write, read)
    me = "/api/users/me"

    def route(
        method: Method, path: str, handle: object, summary: str, scope: str | None, *errors: type[SigdepError]
    ) -> Route:
        return Route(
            method=method,
            path=path,
            handle=handle,  # type: ignore[arg-type]  # Its signature is checked where routes are served.
            summary=summary,
            tag="users",
            scope=scope,
            errors=errors,
        )

    return (
        route("POST", "/api/users", handlers.create_user, "Register.", None, Refused),
        route("GET", me, handlers.get_me, "Who you are.", "profile:read"),
        route("PATCH", me, handlers.edit_me, "Change the fields that are named.", "profile:write", Refused, TooMany),
        route("DELETE", me, handlers.erase_me, "Erase your account, after a grace period.", "profile:write", Refused),
        route("POST", f"{me}/keep", handlers.keep_me, "Keep your account after all.", "profile:write"),
    )

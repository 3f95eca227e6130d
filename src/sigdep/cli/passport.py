"""`sigdep passport`: lets an operator ask a service of the distributed system with tools of their own."""

import time
from pathlib import Path
from typing import get_args
from uuid import UUID

import click

from sigdep.cli.options import USAGE, fail
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role

SECONDS = 60.0
ISSUER = "operator"


def _memberships(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[WorkspaceId, Role]:
    known: dict[str, Role] = {role: role for role in get_args(Role)}
    memberships: dict[WorkspaceId, Role] = {}
    for value in values:
        workspace, _, role = value.partition("=")
        try:
            memberships[WorkspaceId(UUID(workspace))] = known[role]
        except (ValueError, KeyError):
            raise click.BadParameter(f"{value!r} is no WORKSPACE=ROLE; roles are {', '.join(known)}.") from None
    return memberships


@click.command()
@click.argument("service")
@click.option("--user", type=click.UUID, help="For whom to ask. Left out: for nobody, as services do.")
@click.option(
    "--role",
    "roles",
    metavar="WORKSPACE=ROLE",
    multiple=True,
    callback=_memberships,
    help="Their role in a workspace. The first one is their own.",
)
@click.option(
    "--seconds", type=click.FloatRange(1, 3_600), default=SECONDS, show_default=True, help="How long it is good."
)
@click.option("--secrets-dir", envvar="SIGDEP_SECRETS_DIR", required=True, type=click.Path(path_type=Path))
def passport(
    service: str, user: UUID | None, roles: dict[WorkspaceId, Role], seconds: float, secrets_dir: Path
) -> None:
    """Print a passport for one service, such as tasks.write: for Call.passport, or for the header sigdep-passport.

    Whoever has the secrets can be anybody. What is done with a passport stands in the history under the user's name.
    """
    from sigdep.rpc.call import Principal  # noqa: PLC0415
    from sigdep.rpc.passports import Claims, make_passport  # noqa: PLC0415
    from sigdep.services.secret_files import SecretsExposed  # noqa: PLC0415
    from sigdep.services.server_secrets import load_passport_key, passport_key_path  # noqa: PLC0415

    if user is not None and not roles:
        fail("Say with --role WORKSPACE=ROLE where the user is a member. The first one is their own.", USAGE)
    path = passport_key_path(secrets_dir)
    if not path.exists():
        fail(f"{secrets_dir} holds no secrets of a distributed system: {path.name} is missing.")
    principal = None
    if user is not None:
        principal = Principal(user_id=UserId(user), personal_workspace_id=next(iter(roles)), roles=roles)
    try:
        key = load_passport_key(secrets_dir)
    except SecretsExposed as error:
        fail(str(error))
    click.echo(make_passport(key, Claims(iss=ISSUER, aud=service, exp=time.time() + seconds, principal=principal)))

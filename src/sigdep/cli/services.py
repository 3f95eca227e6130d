"""The services of the distributed system that a command works on, in place of a data folder."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sigdep.cli.options import USAGE, fail
from sigdep.services.settings import BadSetting, default_data_dir, load_settings_of

if TYPE_CHECKING:  # The embedded system is installed without what services need.
    from sigdep.services.distributed.kept import Kept

F = TypeVar("F", bound=Callable[..., Any])

OpenKept = Callable[[], AbstractAsyncContextManager["Kept"]]


def services_options(command: F) -> F:
    """`--service` and `--cluster`: see `services_named`."""
    service = click.option(
        "--service", metavar="ROLE", help="One service, such as tasks.read, by the SIGDEP_ variables it runs with."
    )
    cluster = click.option("--cluster", "in_cluster", is_flag=True,
                           help="Every service of the `sigdep cluster` that runs on --data-dir.")  # fmt: skip
    return service(cluster(command))


def services_named(service: str | None, *, in_cluster: bool, data_dir: str | None) -> Mapping[str, OpenKept] | None:
    """What opens each, by its role. None: neither option was given. What makes no sense ends the command."""
    if service is None and not in_cluster:
        return None
    if service is not None and (in_cluster or data_dir):
        fail("--service goes by variables alone: without --cluster and --data-dir.", USAGE)
    try:
        from sigdep.services.distributed.places import NoCluster, read_places  # noqa: PLC0415
        from sigdep.services.distributed.roles import ROLES  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed. Install what services need: pip install 'sigdep[distributed]'.")
    if service is not None and service not in ROLES:
        fail(f"No service {service} keeps anything. Choose one of: {', '.join(ROLES)}.", USAGE)
    try:
        if service is not None:
            return {service: _opener(service, os.environ)}
        folder = Path(data_dir).expanduser() if data_dir else default_data_dir() / "cluster"
        return {role: _opener(role, place.variables(role)) for role, place in read_places(folder).items()}
    except NoCluster as error:
        fail(str(error))
    except BadSetting as error:
        fail(str(error), USAGE)


def _opener(role: str, environment: Mapping[str, str]) -> OpenKept:
    from sigdep.services.distributed.kept import open_kept  # noqa: PLC0415
    from sigdep.services.distributed.settings import ServiceSettings  # noqa: PLC0415

    settings, _ = load_settings_of(ServiceSettings, environment, {})

    return partial(open_kept, role, settings)

"""`sigdep run`: one service of the distributed system."""

import gc
import os
import sys

import click

from sigdep.cli.options import fail


@click.command()
@click.argument("role", metavar="ROLE")
@click.option("--end-with-input", is_flag=True, help="End when standard input does, as a supervisor's child should.")
def run(role: str, end_with_input: bool) -> None:
    """Run one service of the distributed system: gateway, or one such as tasks.write or tasks.read.

    Everything is set by SIGDEP_ variables. Prints its address once it answers. SIGTERM finishes what was accepted.
    """
    start_sooner()
    try:
        import uvloop  # noqa: PLC0415

        from sigdep.services.distributed.process import NAMES, CannotStart, run_role  # noqa: PLC0415
        from sigdep.services.distributed.settings import ServiceSettings  # noqa: PLC0415
        from sigdep.services.settings import BadSetting, load_settings_of  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed. Install what services need: pip install 'sigdep[distributed]'.")
    if role not in NAMES:
        fail(f"There is no role {role}. Choose one of: {', '.join(NAMES)}.")
    try:
        settings, _ = load_settings_of(ServiceSettings, os.environ, {})
        ready = f"{role} is ready"
        serving = run_role(role, settings, lambda address: _say(f"{ready}: {address}"), ends_with_input=end_with_input)
        uvloop.run(serving)
    except (BadSetting, CannotStart) as error:
        fail(str(error))


def start_sooner() -> None:
    """Somebody waits for us: for whoever dies under load, each hundredth of a second until it answers again counts."""
    gc.disable()  # Until everything is loaded, which makes no garbage to speak of: `calm_collector` begins.
    # structlog would load it to colour tracebacks, which a service writes as JSON: a tenth of the whole start.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()

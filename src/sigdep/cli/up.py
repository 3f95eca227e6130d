"""`sigdep up`: everything in one process."""

import sys

import click

from sigdep.cli.options import data_dir_option, fail, settings_from


@click.command()
@click.option("--host", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [8000]")
@data_dir_option
@click.option("--no-limits", is_flag=True, help="Rate limits off, for load tests; passwords are guarded all the same.")
def up(host: str | None, port: int | None, data_dir: str | None, no_limits: bool) -> None:
    """Run everything in one process, with an embedded database.

    Prints its URL once it is ready. Ctrl-C (or SIGTERM) finishes what was accepted, and ends.
    """
    settings, _ = settings_from(
        {"host": host, "port": port, "data_dir": data_dir, "limits": False if no_limits else None}
    )
    # Only now: what makes up the server takes a moment to load, and a bad setting should not wait for it.
    import uvloop  # noqa: PLC0415

    from sigdep.services.embedded import CannotStart, run_embedded  # noqa: PLC0415

    try:
        uvloop.run(run_embedded(settings, lambda url: _say(f"SigDep is ready: {url}"), _say))
    except CannotStart as error:
        fail(str(error))


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()

"""The commands a person types."""

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "up": "sigdep.cli.up:up",
    "run": "sigdep.cli.run:run",
    "cluster": "sigdep.cli.cluster:cluster",
    "config": "sigdep.cli.config:config",
    "doctor": "sigdep.cli.doctor:doctor",
    "rebuild": "sigdep.cli.rebuild:rebuild_command",
    "verify": "sigdep.cli.verify:verify",
    "backup": "sigdep.cli.backup:backup",
    "restore": "sigdep.cli.backup:restore",
    "migrate": "sigdep.cli.migrate:migrate_command",
    "passport": "sigdep.cli.passport:passport",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is called: `sigdep --help` need not wait for the server's code."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        place = COMMANDS.get(name)
        if place is None:
            return None
        module, attribute = place.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sigdep", message="sigdep %(version)s")
def main() -> None:
    """Tasks, calendar and reminders as one stream of events that you keep."""

"""`slipway`, the program. Commands import what they need when they run: `slipway --help` has to be quick."""

import os
import sys
from pathlib import Path

import click

from slipway_steps.domain.errors import SlipwayError

INTERRUPTED = 130
"""The exit code of Ctrl-C, as shells have it."""

COMMANDS = {
    "run": "slipway_workflows.cli.run:run",
    "submit": "slipway_workflows.cli.workflow_commands:submit",
    "list": "slipway_workflows.cli.workflow_views:list_",
    "get": "slipway_workflows.cli.workflow_views:get",
    "watch": "slipway_workflows.cli.workflow_commands:watch",
    "logs": "slipway_workflows.cli.workflow_views:logs",
    "graph": "slipway_workflows.cli.workflow_views:graph",
    "retry": "slipway_workflows.cli.workflow_commands:retry",
    "stop": "slipway_workflows.cli.workflow_commands:stop",
    "resume": "slipway_workflows.cli.workflow_commands:resume",
    "status": "slipway_workflows.cli.environments:status",
    "env": "slipway_workflows.cli.environments:env",
    "doctor": "slipway_workflows.cli.doctor:doctor",
    "up": "slipway_workflows.cli.environments:up",
    "down": "slipway_workflows.cli.environments:down",
    "promote": "slipway_workflows.cli.promotion_commands:promote",
    "revert": "slipway_workflows.cli.promotion_commands:revert",
    "approve": "slipway_workflows.cli.workflow_commands:approve",
    "reject": "slipway_workflows.cli.workflow_commands:reject",
    "lint": "slipway_workflows.cli.lint:lint",
    "render": "slipway_workflows.cli.render:render",
    "ui": "slipway_workflows.cli.ui:ui",
}
"""Command -> where it is. `SUMMARIES` has its line of help, so that listing them imports none."""

SUMMARIES = {
    "run": "Run a workflow of the catalog, or a file, on this machine.",
    "submit": "Start a workflow from a template, on a cluster or here.",
    "list": "List the workflows of this machine, or of a cluster.",
    "get": "Show one workflow and its nodes.",
    "watch": "Show a workflow until it has ended.",
    "logs": "Print what the steps of a workflow wrote.",
    "graph": "Draw the graph of a workflow as a picture.",
    "retry": "Go on with a workflow where it failed or died.",
    "stop": "Stop a running workflow; its exit handler still runs.",
    "resume": "Let a waiting workflow go on with its defaults.",
    "status": "Show what stands in each environment.",
    "env": "Look into one environment.",
    "doctor": "Find drift between journal, aliases, tags and what is deployed; mend it.",
    "up": "Start the environments and bring each back to what the journal says.",
    "down": "Stop the environments; what they serve is remembered.",
    "promote": "Promote what the environment before serves.",
    "revert": "Put an environment back to what passed there last.",
    "approve": "Answer a waiting workflow with yes.",
    "reject": "Answer a waiting workflow with no.",
    "lint": "Find what Argo's own linter leaves unchecked.",
    "render": "Write workflows/manifests from the catalog.",
    "ui": "Open MLflow's web UI on the local releases.",
}


class _Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        import importlib

        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SLIPWAY_HOME",
    default=".slipway",
    show_default=True,
    help="Directory of all local state.",
)
@click.version_option(package_name="slipway")
@click.pass_context
def group(context: click.Context, home: Path) -> None:
    """Release machine-learning models: gates judge, actions move, nothing bad stays."""
    from slipway_steps.settings import read_settings

    # read once; what a command starts is handed them
    context.obj = read_settings(home.expanduser().absolute())


def fail(message: str) -> None:
    """One clear line on stderr."""
    click.echo(f"error: {message}", err=True)


def main(argv: list[str] | None = None) -> int:
    """The program; returns the exit code. Usage errors are 1 here, because 2 means: rejected by a gate."""
    code = 1
    try:
        result = group.main(args=argv, prog_name="slipway", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.UsageError as error:
        hint = f" (see: {error.ctx.command_path} --help)" if error.ctx else ""
        fail(error.format_message() + hint)
    except click.ClickException as error:
        fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted")
        code = INTERRUPTED
    except SlipwayError as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("slipway_"):
            raise
        fail(f"{error.name} is not installed; work on this machine needs it (pip install 'slipway[local]')")
    except BrokenPipeError:
        # the reader of our output has gone; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"{error} (is the disk full, or the directory read-only?)")
    return code


def script() -> None:
    """The console script."""
    sys.exit(main())

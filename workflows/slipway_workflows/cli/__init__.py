"""The command line program `slipway`.

Each command is imported only when it is called, so that `slipway --help` is quick.
"""

import os
import sys
from pathlib import Path

import click

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.cli.lazy_group import LazyGroup

INTERRUPTED = 130
"""The exit code after Ctrl-C, the same as in a shell."""

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
    "health-check": "slipway_workflows.cli.health:health_check",
    "monitor-performance": "slipway_workflows.cli.performance:monitor_performance",
    "optimize": "slipway_workflows.cli.optimize:optimize",
    "up": "slipway_workflows.cli.environments:up",
    "down": "slipway_workflows.cli.environments:down",
    "promote": "slipway_workflows.cli.promotion_commands:promote",
    "revert": "slipway_workflows.cli.promotion_commands:revert",
    "approve": "slipway_workflows.cli.workflow_commands:approve",
    "reject": "slipway_workflows.cli.workflow_commands:reject",
    "test-handler": "slipway_workflows.cli.handlers:test_handler",
    "perf": "slipway_workflows.cli.perf:perf",
    "validate-e2e": "slipway_workflows.cli.validation:validate_e2e",
    "validate-system": "slipway_workflows.cli.validation:validate_system",
    "lint": "slipway_workflows.cli.lint:lint",
    "validate-deployment": "slipway_workflows.cli.validate_deployment:validate_deployment",
    "render": "slipway_workflows.cli.render:render",
    "ui": "slipway_workflows.cli.ui:ui",
}
"""Command -> `module:function`. `SUMMARIES` has the help line of each, so that the list needs no import of them."""

SUMMARIES = {
    "run": "Run a workflow of the catalog, or a file, on this machine.",
    "submit": "Start a workflow from a template, on a cluster or here.",
    "list": "List the workflows of this machine, or of a cluster.",
    "get": "Show one workflow and its nodes.",
    "watch": "Show a workflow until it has ended.",
    "logs": "Print what the steps of a workflow wrote.",
    "graph": "Draw the graph of a workflow as a picture.",
    "retry": "Continue a workflow where it failed or died.",
    "stop": "Stop a running workflow; its exit handler still runs.",
    "resume": "Resume a waiting workflow with the default answers, as Argo's button does.",
    "status": "Show what each environment serves.",
    "env": "Show the log of an environment.",
    "doctor": "Find and repair what differs from the journal of the environments.",
    "health-check": "Check whether what releases need can be used now.",
    "monitor-performance": "Measure what a running workflow and its steps use.",
    "optimize": "Try the knobs of a step, and recommend what was measured to be better.",
    "up": "Start the environments again, with the versions of the journal.",
    "down": "Stop the environments; what they serve is remembered.",
    "promote": "Promote the version of the previous environment to the next one.",
    "revert": "Revert an environment to the last version that passed there.",
    "approve": "Answer a waiting workflow with yes.",
    "reject": "Answer a waiting workflow with no.",
    "test-handler": "Test the inference handler of a packaged model before anything is built.",
    "perf": "Measure how fast pipelines run, and find out whether they got slower.",
    "validate-e2e": "Run scenarios under limits, and say whether they went as expected.",
    "validate-system": "Check health, deployment and all scenarios: one report.",
    "lint": "Find mistakes in workflows that Argo's own linter does not check.",
    "validate-deployment": "Find what is wrong with charts, manifests, Dockerfiles and compose files.",
    "render": "Write workflows/manifests from the catalog.",
    "ui": "Open MLflow's web UI on the local releases.",
}


class _Program(LazyGroup):
    commands_at = COMMANDS
    summaries = SUMMARIES


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    """Release machine-learning models: test each version, then promote it or revert the environment."""
    from slipway_steps.settings import read_settings

    # the settings are read only here and passed to whatever a command starts
    context.obj = read_settings(home.expanduser().absolute())


def fail(message: str) -> None:
    """Print `error: ` and the message on stderr."""
    click.echo(f"error: {message}", err=True)


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit code.

    A usage error gives 1 and not 2 as usual with click, because 2 means that a gate rejected a release.
    """
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
        # the reader of stdout (such as `head`) has ended: write to nowhere, so that no second error is printed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"{error} (is the disk full, or the directory read-only?)")
    return code


def script() -> None:
    """The entry point of the console script `slipway`: exits with the code of `main`.

    The interpreter does not destroy every object first: after MLflow was imported that takes a second.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    os._exit(code)

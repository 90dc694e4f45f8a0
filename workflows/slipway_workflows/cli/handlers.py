"""`slipway test-handler`: tests the inference handler of a packaged model before anything is built or deployed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from slipway_steps.domain.errors import BadInput
from slipway_workflows.cli.exit_codes import CODES

if TYPE_CHECKING:
    from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult
    from slipway_steps.handlers import HandlerSession
    from slipway_steps.settings import Settings

MOST_SECONDS = 7 * 86_400
FITTING = {
    "pipeline": {"pipeline", "output", "memory", "timeout"},
    "watch": {"watch", "package", "samples", "workers", "python", "install", "memory", "timeout"},
}
"""Options that change what the program does, each with those that it goes with."""


@click.command("test-handler")
@click.argument("package", required=False, type=click.Path(path_type=Path), metavar="MODEL.TAR.GZ|DIR")
@click.option(
    "--samples", type=click.Path(path_type=Path), help="Directory of samples; default: payloads/ of the package."
)
@click.option("--model-version", default="", help="Test the package of a registered model version instead.")
@click.option("--output", type=click.Choice(["text", "json", "junit", "sarif"]), default="text", show_default=True)
@click.option("--generate-samples", is_flag=True, help="Write samples into the directory of --samples first.")
@click.option("--workers", type=click.IntRange(1, 16), default=1, show_default=True, help="Processes that answer.")
@click.option("--python", default="", help="The Python that runs the handler; it needs the toolkit. Default: this one.")
@click.option("--install", is_flag=True, help="Install code/requirements.txt for this test, beside the package.")
@click.option("--server", is_flag=True, help="Ask the real model server too (needs Java), and compare the answers.")
@click.option("--pipeline", type=click.Path(path_type=Path), help="Test a pipeline of scripts and handlers (JSON).")
@click.option("--memory", default="2Gi", show_default=True, help="Most memory of the handler, as in Kubernetes.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=600.0, show_default=True, help="Seconds."
)
@click.option("--watch", is_flag=True, help="Test again whenever a file of code/ changes; the model stays loaded.")
@click.pass_context
def test_handler(
    context: click.Context,
    package: Path | None,
    samples: Path | None,
    model_version: str,
    output: str,
    generate_samples: bool,
    workers: int,
    python: str,
    install: bool,
    server: bool,
    pipeline: Path | None,
    memory: str,
    timeout: float,
    watch: bool,
) -> int:
    """Run code/inference.py of a packaged model under the real SageMaker toolkit, and name what is wrong with it.

    Exit codes: 0 passed, 2 rejected, 1 nothing is known (no samples, something is missing) or bad input. Every fault:
    docs/handlers.md.
    """
    from slipway_workflows.cli.settings import current_settings

    given = _check_options(context)
    limits = {"memory_bytes": _memory_bytes(memory), "timeout": _seconds(timeout)}
    settings = current_settings()
    if pipeline is not None:
        from slipway_workflows.cli.handler_pipeline import test_pipeline

        options = {"memory_bytes": "memory", "timeout": "timeout"}
        own = {name: limit for name, limit in limits.items() if options[name] in given}
        return test_pipeline(pipeline, settings.home / "handlers", output, own)
    with _package(package, model_version, settings) as source:
        spec = _spec(source, samples, workers, python).model_copy(update=limits)
        if watch:
            from slipway_workflows.cli.handler_watch import watch_handler

            return watch_handler(spec, settings.home / "handlers", install=install)
        result, page = _test(spec, settings, generate=generate_samples, install=install, server=server)
        # the package of a registered version is here for this test alone
        directory = package if package is not None and package.is_dir() else None
        _print(result, page, spec, output, directory)
        return CODES[result.verdict]


test_handler.__test__ = False  # type: ignore[attr-defined]


def _check_options(context: click.Context) -> set[str]:
    """The options that are given. Raises BadInput for one that would not be heeded beside another one."""
    source = context.get_parameter_source
    given = {name for name in context.params if source(name) is ParameterSource.COMMANDLINE and context.params[name]}
    names = {one.name: one.opts[0] for one in context.command.params} | {"package": "a package"}
    for option, fitting in FITTING.items():
        if option in given and (others := sorted(names[one] for one in given - fitting)):
            raise BadInput(f"{names[option]} does not go with {', '.join(others)}", "leave one of them out")
    return given


@contextmanager
def _package(package: Path | None, version: str, settings: "Settings") -> Iterator[Path]:
    """The package to test: that of the command line, or that of a registered model version."""
    if (package is None) == (not version):
        raise BadInput("name one package", "slipway test-handler model.tar.gz, or --model-version 7")
    if package is not None:
        yield package
        return
    from slipway_steps.adapters.handlers.scratch import scratch
    from slipway_steps.adapters.world import make_world

    registry = make_world(settings).registry
    with scratch(settings.home / "handlers") as temporary:
        yield registry.download_package(registry.run_of(version), temporary.path / "download")


def _memory_bytes(memory: str) -> int:
    from slipway_steps.domain.quantity import parse_quantity

    try:
        quantity = parse_quantity(memory)
    except ValueError as error:
        raise BadInput(f"--memory: {error}", "such as 512Mi or 2Gi") from error
    if not (quantity.is_finite() and 2**20 <= quantity <= 2**50):
        raise BadInput(f"--memory {memory} is not between 1Mi and 1Pi", "such as 512Mi or 2Gi")
    return int(quantity)


def _seconds(timeout: float) -> float:
    if not timeout <= MOST_SECONDS:
        raise BadInput(f"--timeout {timeout} is more than a week", "give it seconds, such as 600")
    return timeout


def _spec(source: Path, samples: Path | None, workers: int, python: str) -> "InferenceHandlerSpec":
    from slipway_steps.domain.handler import InferenceHandlerSpec

    return InferenceHandlerSpec(
        handler_name=source.absolute().name or "package",
        step_name="Registration",
        packaged_model_path=source,
        payload_samples_path=samples,
        workers=workers,
        python=python,
    )


def _test(
    spec: "InferenceHandlerSpec", settings: "Settings", *, generate: bool, install: bool, server: bool
) -> "tuple[InferenceTestResult, Path]":
    """Test, and write the report. Returns the result and the report's file."""
    from slipway_steps.handlers import open_handler, test_inference_pipeline
    from slipway_workflows.report.handler_page import write_handler_report

    store = settings.home / "handlers"
    with open_handler(spec, store, with_install=install) as session:
        if generate:
            _generate(session)
        result = test_inference_pipeline(spec, session=session)
        differences = _compared(session, result) if server and result.samples else []
        result = result.model_copy(update={"notes": [*result.notes, *differences]})
        page = session.package.parent / "report.html"
        # by way of the temporary directory, which is gone after a kill
        written = write_handler_report(result, spec.handler_name, session.temporary.path / "report.html")
        try:
            written.replace(page)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadInput(f"the report could not be written to {page}: {reason}", "move what is there away") from error
    return result, page


def _generate(session: "HandlerSession") -> None:
    from slipway_steps.handlers.generate import generate_samples

    target = session.spec.payload_samples_path
    if target is None:
        raise BadInput("--generate-samples needs a directory to write to", "name it by --samples")
    for path in generate_samples(session, target):
        click.echo(f"wrote {path}", err=True)


def _compared(session: "HandlerSession", result: "InferenceTestResult") -> list[str]:
    from slipway_steps.handlers.server_proof import compare_with_server

    if any(fault.code == "shadows-module" for fault in result.faults):
        return ["the real server was not asked: a module of the package keeps its worker from starting"]
    found = compare_with_server(session)
    which = "the samples that were sent" if any(one.not_sent for one in result.end_to_end_results) else "all samples"
    return [f"the real server differs: {one}" for one in found] or [f"the real server answers {which} the same"]


def _print(
    result: "InferenceTestResult", page: Path, spec: "InferenceHandlerSpec", output: str, directory: Path | None
) -> None:
    from slipway_workflows.report import handler_formats

    if output == "json":
        click.echo(result.model_dump_json(indent=1))
    elif output == "junit":
        click.echo(handler_formats.junit(result))
    elif output == "sarif":
        click.echo(handler_formats.sarif(result, directory))
    else:
        from slipway_workflows.cli.handler_summary import print_summary

        print_summary(result, spec)
    click.echo(f"report: {page}", err=output != "text")

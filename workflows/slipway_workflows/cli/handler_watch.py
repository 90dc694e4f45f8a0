"""`slipway test-handler --watch`: tests a handler again whenever a file of its code/ changes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway_steps.domain.errors import BadInput, SlipwayError

if TYPE_CHECKING:
    from slipway_steps.domain.handler import InferenceHandlerSpec
    from slipway_steps.handlers import HandlerSession

LOOK = 0.1
"""Seconds between two looks at the files."""


def watch_handler(spec: "InferenceHandlerSpec", store: Path, *, install: bool) -> int:
    """Test the handler of a directory, and again after each change, until it is interrupted."""
    from slipway_steps.handlers import open_handler

    source = spec.packaged_model_path
    if not (source / "code").is_dir():
        raise BadInput(f"{source} is no directory with code/", "--watch needs the files that you edit, not an archive")
    with open_handler(spec, store, with_install=install, private=True) as session:
        seen = _state(source)
        _tell(session, spec)
        while True:
            time.sleep(LOOK)
            now = _state(source)
            if now != seen:
                seen = now
                _test_edit(session, spec)


def _test_edit(session: "HandlerSession", spec: "InferenceHandlerSpec") -> None:
    started = time.monotonic()
    try:
        kept = session.take_code(spec.packaged_model_path / "code")
    except SlipwayError as error:
        click.echo(f"error: {error}", err=True)
        return
    _tell(session, spec)
    again = session.loaded is not None and session.loaded.loaded
    model = "the model stayed loaded" if kept else f"the model was {'loaded again' if again else 'not loaded'}"
    click.echo(f"{time.monotonic() - started:.2f} s, {model}\n")


def _state(source: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of each file of code/."""
    found = {}
    for path in (source / "code").rglob("*"):
        try:
            if path.is_file() and "__pycache__" not in path.parts:
                status = path.stat()
                found[str(path)] = (status.st_mtime_ns, status.st_size)
        except OSError:  # an editor has just replaced it
            continue
    return found


def _tell(session: "HandlerSession", spec: "InferenceHandlerSpec") -> None:
    from slipway_steps.handlers import test_inference_pipeline
    from slipway_workflows.cli.handler_summary import print_summary

    try:
        print_summary(test_inference_pipeline(spec, session=session, quick=True), spec)
    except SlipwayError as error:
        click.echo(f"error: {error}", err=True)

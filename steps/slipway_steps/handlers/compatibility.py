"""Whether an inference handler can read what a script writes."""

import json
from collections.abc import Mapping
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.adapters.handlers.script import ScriptRun, run_script
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.domain.pipeline_testing import CompatibilityResult, ScriptExecutionSpec, SentOutput
from slipway_steps.handlers.diagnosis import Failure
from slipway_steps.handlers.rows import answer_rows, row_count
from slipway_steps.handlers.samples import CONTENT_TYPES
from slipway_steps.handlers.session import HandlerSession, open_handler


def test_script_to_inference_compatibility(
    script_spec: ScriptExecutionSpec,
    handler_spec: InferenceHandlerSpec,
    *,
    store: Path | None = None,
    session: HandlerSession | None = None,
) -> CompatibilityResult:
    """Run a script, and send each of its outputs with its content type through the whole handler.

    session: one that is open already, whose model stays loaded. Raises BadInput for what cannot be run.
    """
    if session is not None:
        return _compatible(script_spec, session)
    with open_handler(handler_spec, store) as opened:
        return _compatible(script_spec, opened)


test_script_to_inference_compatibility.__test__ = False  # type: ignore[attr-defined]  # for pytest


def _compatible(spec: ScriptExecutionSpec, session: HandlerSession) -> CompatibilityResult:
    run = run_in(session, spec, spec.input_paths)
    if not run.success:
        return CompatibilityResult(
            compatible=False,
            script_success=False,
            script_seconds=run.seconds,
            errors=[f"the script {spec.script_name} failed: {run.error}"],
        )
    return check_outputs(run, session)


def run_in(session: HandlerSession, spec: ScriptExecutionSpec, inputs: Mapping[str, str]) -> ScriptRun:
    """Run a script under the limits of the session's handler."""
    return run_script(spec, inputs, session.spec.python, session.temporary, session.limits())


def files_of(outputs: Mapping[str, Path]) -> list[tuple[str, Path, str]]:
    """The files of a script's outputs that can be a request, as (name of the output, file, content type)."""
    found: list[tuple[str, Path, str]] = []
    for name, path in outputs.items():
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        kinds = ((one, CONTENT_TYPES.get(one.suffix.lower())) for one in files if one.is_file())
        found += [(name, one, kind) for one, kind in kinds if kind]
    return found


def check_outputs(run: ScriptRun, session: HandlerSession) -> CompatibilityResult:
    """Send each output of a script that has run to the handler."""
    files = files_of(run.outputs)
    if not files:
        told = ", ".join(CONTENT_TYPES)
        errors = [f"the script wrote no file that can be a request ({told})"]
        return CompatibilityResult(compatible=False, script_success=True, script_seconds=run.seconds, errors=errors)
    session.load()
    sent = [_send(session, *one) for one in files]
    return CompatibilityResult(
        compatible=all(one.compatible for one in sent),
        script_success=True,
        script_seconds=run.seconds,
        outputs=sent,
        errors=[f"{one.file}: {one.message}" for one in sent if not one.compatible],
    )


def _send(session: HandlerSession, name: str, path: Path, kind: str) -> SentOutput:
    body = path.read_bytes()
    answer, accept = ask(session, name, path, kind)
    sent = row_count(body, kind)
    rows = answer_rows(answer.body, answer.content_type or "") if answer.ok else None
    answered = len(rows) if rows is not None else None
    message = ""
    if not answer.ok:
        fault = Failure(answer, path.name, accept, session.inspection.source).name()
        message = f"{fault.code}: {fault.message}; {fault.advice}"
    elif sent is not None and answered is not None and sent != answered:
        message = f"{sent} rows were sent and {answered} came back"
    return SentOutput(
        name=name,
        file=path.name,
        content_type=kind,
        status=answer.status,
        rows_sent=sent,
        rows_answered=answered,
        compatible=not message,
        message=message,
    )


def ask(session: HandlerSession, name: str, path: Path, kind: str) -> tuple[Answer, str]:
    """The answer to a file of this content type, with the first of the handler's accept types that it answers, else the
    first one's.
    """
    accepts = session.spec.supported_accept_types
    first: Answer | None = None
    for accept in accepts:
        (answer,) = session.send([Request(name, kind, accept, path)])
        if answer.ok:
            return answer, accept
        first = first or answer
        if answer.died:
            break
    assert first is not None  # noqa: S101 - a spec has at least one accept type
    return first, accepts[0]


def write_predictions(
    session: HandlerSession, inputs: list[tuple[str, Path, str]], directory: Path
) -> dict[str, Path] | None:
    """Send files to the handler, and write its answers as the output `predictions` of its node. None where the handler
    does not answer all of them.
    """
    found = []
    for one in inputs:
        answer, _ = ask(session, *one)
        if not answer.ok:
            return None
        found += answer_rows(answer.body, answer.content_type or "") or []
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "predictions.json"
    target.write_text(json.dumps(found))
    return {"predictions": target}

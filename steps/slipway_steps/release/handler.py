"""The handler test: runs the inference handler of a packaged model under the real inference toolkit, before anything is
built from it.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import BadInput, Refused
from slipway_steps.domain.handler import (
    BUDGETS,
    CSV,
    JSON,
    Fault,
    FunctionCall,
    InferenceHandlerSpec,
    InferenceTestResult,
)
from slipway_steps.domain.handler_verdicts import END_TO_END, calls_alone, function_verdict
from slipway_steps.domain.knob import limits
from slipway_steps.domain.package import Package, read_package
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict, judge
from slipway_steps.ports import World
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters

MIB = 2**20
KNOBS = limits("2Gi")
"""What `slipway optimize handler` tries: the process of a handler takes over no variable of ours."""


class Params(StepParameters):
    """The packaged model whose handler is tested: that of a run, or that of a registered version."""

    run_id: str = Field("", description="MLflow run that holds the packaged model; empty: that of the model version.")
    model_version: str = Field(
        "", description="MLflow's version of the model, where it is registered already.", pattern=OPTIONAL_VERSION
    )
    handler_accept_types: str = Field(
        f"{JSON},{CSV}",
        description="Types, separated by commas, in which the inference handler has to be able to answer.",
        pattern=r"^[\w.+-]+/[\w.+-]+( *, *[\w.+-]+/[\w.+-]+)*$",
    )
    handler_memory_mib: int = Field(
        1536,
        description="Memory in MiB that the processes of the inference handler may use; the pod needs 512 more.",
        ge=64,
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The verdict of the handler test."""

    verdict: Verdict


def run(params: Params, world: World) -> Outputs:
    """Test the handler and store the report. The verdict is `pass` for a package without `code/`, with one check that
    says so, and `inconclusive` where there is no request to test it with. Raises BadInput where the test cannot run.
    """
    started = time.time()
    run_id, candidate = under_test(params, world)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        package = read_package(world.registry.download_package(run_id, directory / "package"))
        # a handler that lies elsewhere than in code/ is one that no server would find
        if package.has_handler or any(package.directory.rglob("inference.py")):
            # what is tested is what a model server would be given, where the run has it
            archive = world.registry.download_archive(run_id, directory / "archive") or package.directory
            predicted = predictions(world.registry.reports_of(run_id), package)
            checks, series = tested(params, world.settings.model, archive, package, predicted, directory)
        else:
            text = "the package has no code/, so there is no inference handler to test"
            checks, series = [Check(code="no-handler", verdict=Verdict.PASS, message=text)], {}
    report = GateReport(
        gate=Gate.HANDLER,
        candidate=candidate,
        release=params.release,
        verdict=judge(checks),
        checks=checks,
        started_at=started,
        finished_at=time.time(),
        series=series,
    )
    world.registry.save_report(params.run_id or None, report)
    for check in checks:
        say(f"{check.verdict}: {check.code}: {check.message}")
    say(f"handler: {report.verdict}")
    return Outputs(verdict=report.verdict)


def under_test(params: Params, world: World) -> tuple[str, Candidate]:
    """The run whose package is tested, and the candidate that the report is about. Raises BadInput unless a run or a
    known version is named.
    """
    if params.run_id:
        return params.run_id, Candidate(version="", digest="")
    if not params.model_version:
        raise BadInput("neither a run nor a model version is named", "name one: -p model-version=7")
    run_id = world.registry.run_of(params.model_version)
    try:
        return run_id, world.registry.candidate(params.model_version)
    except Refused:  # no image was built for it; the build binds the evidence to its digest
        return run_id, Candidate(version=params.model_version, digest="")


def predictions(reports: Sequence[GateReport], package: Package) -> list[int] | None:
    """What the evaluation predicted for the held-out images, as numbers of labels; None where it kept nothing usable,
    as with tests of the user that do not tell.
    """
    series: dict[str, Any] = next((report.series for report in reports if report.gate is Gate.EVALUATION), {})
    found, labels = series.get("predicted"), len(package.contract.labels)
    if not isinstance(found, list) or not all(type(one) is int and 0 <= one < labels for one in found):
        return None
    return found


def tested(
    params: Params, model: str, archive: Path, package: Package, predicted: list[int] | None, directory: Path
) -> tuple[list[Check], dict[str, Any]]:
    """The checks on a handler, and what else the report keeps. Raises BadInput where the test could not run."""
    from slipway_steps.handlers import test_inference_pipeline
    from slipway_steps.handlers.skew import Holdout

    spec = InferenceHandlerSpec(
        handler_name=model,
        step_name="handler",
        packaged_model_path=archive,
        memory_bytes=params.handler_memory_mib * MIB,
    )
    if params.handler_accept_types != Params.model_fields["handler_accept_types"].default:
        # types that somebody has named have to be answered; of the default ones a handler may refuse some
        kinds = [kind.strip() for kind in params.handler_accept_types.split(",")]
        spec = spec.model_copy(update={"supported_accept_types": kinds})
    holdout = Holdout(package.holdout, predicted, package.contract.labels) if predicted is not None else None
    result = test_inference_pipeline(spec, store=directory / "store", holdout=holdout)
    if result.verdict is Verdict.ERROR:
        why = "; ".join(result.errors) or "no reason was given"
        raise BadInput(f"the inference handler could not be tested: {why}", "this says nothing about the handler")
    kept = {"package": result.package_digest, "toolkit": result.toolkit, "samples": result.samples}
    return [*checks_of(result), *skew_checks(result, predicted)], kept


def checks_of(result: InferenceTestResult) -> list[Check]:
    """One check for each fault that rejects, then one for each function with what was measured, then the remarks."""
    found = [Check(code=one.code, verdict=Verdict.REJECT, message=fault_text(one)) for one in result.rejections]
    if result.verdict is not Verdict.PASS and not found:
        text = "; ".join(result.errors) or "no reason was given"
        found.append(Check(code="handler-test", verdict=result.verdict, message=text))
    alone = calls_alone(result)
    by_function: dict[str, list[FunctionCall]] = {}
    # a transform_fn is no function that is called alone
    for call in [*alone, *([] if any(one.function != "model_fn" for one in alone) else result.request_calls)]:
        if call.success:
            by_function.setdefault(call.function, []).append(call)
    for function, calls in by_function.items():
        seconds, peak = [call.seconds for call in calls], max(call.peak_bytes for call in calls)
        found.append(measured(function, seconds, peak, function_verdict(function, result)))
    if answered := [one.seconds for one in result.end_to_end_results if one.success]:
        found.append(measured(END_TO_END, answered, result.peak_bytes, function_verdict(END_TO_END, result)))
    remarks = [f"{fault.code}: {fault_text(fault)}" for fault in result.faults if fault.remark]
    return [
        *found,
        *(Check(code="remark", verdict=Verdict.PASS, message=text) for text in [*remarks, *result.notes]),
    ]


def measured(what: str, seconds: Sequence[float], peak_bytes: int, verdict: str) -> Check:
    """What calls took, beside what is usual, which rejects nothing; and the verdict on what was called."""
    longest = max(seconds) * 1000
    text = f"{len(seconds)} calls, {longest:.3g} ms at most" if len(seconds) > 1 else f"1 call, {longest:.3g} ms"
    if peak_bytes:
        text += f", peak {peak_bytes / MIB:.0f} MiB"
    if what in BUDGETS:
        least, most = (budget * 1000 for budget in BUDGETS[what])
        text += f"; usual are {least:g} to {most:g} ms"
    if verdict == Verdict.REJECT:
        text = f"rejected for what is named above; {text}"
    code = what.replace(" ", "-")
    return Check(code=code, verdict=Verdict(verdict), message=text, measured=round(longest, 2), unit="ms")


def skew_checks(result: InferenceTestResult, predicted: list[int] | None) -> list[Check]:
    """Says whether the handler predicts what the evaluation did, where no fault says it."""
    said = "not compared with the handler's"
    if predicted is None:
        text = f"{said}: the evaluation kept no predictions (`predicted` in its details)"
    elif result.verdict is not Verdict.PASS or any(fault.code.startswith("skew") for fault in result.faults):
        return []
    elif not any(200 <= one.status < 300 for one in result.end_to_end_results):
        text = f"{said}: no sample was answered"
    else:
        equal = len(predicted)
        text = f"the handler predicts what the evaluation did for all {equal} held-out images"
        values = {"measured": equal, "threshold": equal, "unit": "images"}
        return [Check(code="predictions", verdict=Verdict.PASS, message=text, **values)]
    return [Check(code="predictions", verdict=Verdict.PASS, message=text)]


def fault_text(fault: Fault) -> str:
    """A fault in one line: what, where, with which request, and how to mend it."""
    asked = [f"sample {fault.sample}"] if fault.sample else []
    asked += [fault.rows] if fault.rows else []
    asked += [f"accept {fault.accept}"] if fault.accept else []
    where = ", ".join([*([str(fault.place)] if fault.place else []), *asked])
    return f"{fault.message}{f' ({where})' if where else ''}; {fault.advice}"

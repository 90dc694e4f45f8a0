"""The whole test of a handler: files, signatures, load, each function alone, whole requests, probes."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, Request
from slipway_steps.adapters.handlers.process import OutOfTime
from slipway_steps.domain.handler import (
    BUDGETS,
    Fault,
    FunctionCall,
    InferenceHandlerSpec,
    InferenceTestResult,
    InferenceTestSample,
)
from slipway_steps.domain.verdict import Verdict
from slipway_steps.handlers.exchanges import Exchanges
from slipway_steps.handlers.functions import alone, load_call
from slipway_steps.handlers.growth import GROWTH_REQUESTS, GROWTH_SECONDS, GROWTH_WINDOWS, growth_fault
from slipway_steps.handlers.inspection import function_faults
from slipway_steps.handlers.load_diagnosis import death_fault, load_faults
from slipway_steps.handlers.probes import Base, Probes
from slipway_steps.handlers.samples import ignored_files
from slipway_steps.handlers.session import HandlerSession, open_handler
from slipway_steps.handlers.signatures import signature_faults
from slipway_steps.handlers.skew import Holdout, check_skew

NO_SAMPLES = (
    "no samples: without a request nothing is known; put some into payloads/ of the package, name a directory by "
    "--samples, or let --generate-samples write them"
)
STOPS = frozenset({"no-code", "syntax", "shadows-module", "import-missing"})
"""Faults after which the handler is not started: nothing that follows would say more."""
USELESS = frozenset({"downloads", "model-none", "output-replaced"})
"""Faults of a load that succeeds, after which each request would show the same fault."""
CONSEQUENCES = frozenset({"sample-fails", "arity", "not-callable"})
"""Faults that a request shows where the files or signatures have told the cause already."""


def test_inference_pipeline(
    spec: InferenceHandlerSpec,
    *,
    store: Path | None = None,
    holdout: Holdout | None = None,
    session: HandlerSession | None = None,
    quick: bool = False,
) -> InferenceTestResult:
    """Test a packaged model's handler: each function alone, then connected, for every sample and accept type.

    store: directory for unpacked packages. holdout: held-out data whose predictions are known. session: one that is
    open already, whose model stays loaded. quick: whether the growth of memory is left out. The verdict is
    `inconclusive` without samples. Raises BadInput for a package or samples that cannot be used.
    """
    if session is not None:
        return PipelineTest(session, holdout, quick=quick).run()
    with open_handler(spec, store) as opened:
        return PipelineTest(opened, holdout, quick=quick).run()


test_inference_pipeline.__test__ = False  # type: ignore[attr-defined]  # for pytest


class PipelineTest:
    """One test of one handler. What it finds is collected in its members."""

    def __init__(self, session: HandlerSession, holdout: Holdout | None, *, quick: bool) -> None:
        self.session, self.spec, self.holdout, self.quick = session, session.spec, holdout, quick
        self.started = time.monotonic()
        self.faults: list[Fault] = []
        self.errors: list[str] = []
        self.notes: list[str] = []
        self.toolkit = ""
        self.calls: list[FunctionCall] = []
        self.model_call: FunctionCall | None = None
        self.exchanges: Exchanges | None = None

    def run(self) -> InferenceTestResult:
        """Run all tests, until one shows that the next would say nothing."""
        samples = self.session.samples
        if ignored := ignored_files(self.session.sample_directory) if self.session.sample_directory else []:
            more = f" and {len(ignored) - 3} more" if len(ignored) > 3 else ""
            told = f"{', '.join(ignored[:3])}{more}"
            self.notes.append(f"no samples, as the suffix tells no content type: {told}; samples.json may tell it")
        if not self.session.inspection.handler:
            self.notes.append(
                "no-handler: the package has no code/, so the toolkit's defaults or another server serve it"
            )
            return self._result(Verdict.PASS)
        self.faults += self.session.inspection.faults
        try:
            if self._started() and self._loaded():
                if samples:
                    self._asked(samples)
                else:
                    self.errors.append(NO_SAMPLES)
        except OutOfTime as over:  # what was found until then still holds
            self.errors.append(str(over))
        return self._result(self._verdict())

    def _rejected(self, codes: frozenset[str] | None = None) -> bool:
        return any(not one.remark and (codes is None or one.code in codes) for one in self.faults)

    def _started(self) -> bool:
        if self._rejected(STOPS):
            return False
        versions = self.session.worker.toolkit()
        flavour = f" · {versions['flavour']}" if versions["flavour"] else ""
        self.toolkit = f"sagemaker-inference {versions['sagemaker_inference']}{flavour}"
        missing, to_install = self.session.missing()
        self.faults += missing
        if to_install:
            names = ", ".join(to_install)
            self.errors.append(
                f"{names} of code/requirements.txt is not installed in this Python: let --install install it, or name "
                "a --python that has it"
            )
        return not missing and not to_install

    def _loaded(self) -> bool:
        session = self.session
        loaded = session.load()
        self.model_call = load_call(loaded)
        described = session.worker.describe() if not loaded.death else {}
        session.inspection.source.locate(described)
        signatures = signature_faults(described, session.inspection.source)
        found = list(load_faults(loaded, session.package, session.inspection.source))
        told = {"arity", "not-callable", "transform-conflict", "import-raises"} if signatures else set()
        self.faults += [*signatures, *(one for one in found if one.code not in told)]
        self.faults += function_faults(session.inspection.source)
        if loaded.loaded and not {"predict_fn", "transform_fn"} & described.keys() and "pytorch" not in self.toolkit:
            place, message = session.inspection.source.top(), "inference.py defines no predict_fn"
            self.faults.append(Fault(code="no-predict-fn", message=message, place=place))
            return False
        return loaded.loaded and not any(one.code in ("downloads", "model-none", "output-replaced") for one in found)

    def _asked(self, samples: Sequence[InferenceTestSample]) -> None:
        session, source = self.session, self.session.inspection.source
        positive = [one for one in samples if one.should_succeed]
        if not positive:
            self.errors.append("no sample that should succeed: the handler was never seen to predict anything")
        known = self._rejected()
        self.calls = alone(session.worker, positive, self.spec.supported_accept_types)
        self.exchanges = Exchanges(session, samples)
        self.exchanges.run()
        self.faults += [one for one in self.exchanges.faults if not (known and one.code in CONSEQUENCES)]
        self.notes += self.exchanges.notes
        if any(answer.death for answer in self.exchanges.answers):
            return
        probes = Probes(session.send, session.worker.restart, source)
        for base in self.exchanges.bases():
            self.faults += probes.of_base(base)
        if bases := self.exchanges.bases():
            if not self.quick:
                self._growth(bases[0])
            if self.holdout:
                self._skew(self.holdout)

    def _growth(self, base: Base) -> None:
        request = Request("growth", base.content_type, base.accept, None, base.body)
        growth = self.session.worker.grow(request, GROWTH_WINDOWS, GROWTH_REQUESTS, GROWTH_SECONDS)
        if growth.death:
            after = f"after some of the same requests: {growth.death.detail}"
            self.faults.append(death_fault(replace(growth.death, detail=after), "", self.session.inspection.source))
        elif fault := growth_fault(growth, self.session.inspection.source):
            self.faults.append(fault)

    def _skew(self, holdout: Holdout) -> None:
        def send(body: bytes, content_type: str, accept: str) -> Answer:
            return self.session.send([Request("holdout", content_type, accept, None, body)])[0]

        if fault := check_skew(send, holdout):
            place = self.session.inspection.source.place_of("input_fn")
            self.faults.append(fault.model_copy(update={"place": fault.place or place}))

    def _over_budget(self) -> list[Fault]:
        if not self.spec.budgets_reject:
            return []
        found = []
        for name, (_, most) in BUDGETS.items():
            seconds = [call.seconds for call in self._all_calls() if call.function == name]
            if seconds and max(seconds) > most:
                message = f"{name} took {max(seconds):.3g} s, at most {most:g} s is its budget"
                found.append(
                    Fault(code="over-budget", message=message, place=self.session.inspection.source.place_of(name))
                )
        return found

    def _all_calls(self) -> list[FunctionCall]:
        first = [self.model_call] if self.model_call else []
        return [*first, *self.calls, *(self.exchanges.calls if self.exchanges else [])]

    def _verdict(self) -> Verdict:
        self.faults += self._over_budget()
        if self._rejected():
            return Verdict.REJECT
        return Verdict.INCONCLUSIVE if self.errors else Verdict.PASS

    def _result(self, verdict: Verdict) -> InferenceTestResult:
        calls = {name: [one for one in self.calls if one.function == name] for name in BUDGETS}
        session, exchanges = self.session, self.exchanges
        return InferenceTestResult(
            handler_name=self.spec.handler_name,
            package_digest=session.unpacked.digest,
            package_bytes=session.unpacked.size,
            toolkit=self.toolkit,
            samples=len(session.samples),
            overall_success=verdict is Verdict.PASS,
            verdict=verdict,
            total_execution_time=time.monotonic() - self.started,
            model_fn_result=self.model_call,
            input_fn_results=calls["input_fn"],
            predict_fn_results=calls["predict_fn"],
            output_fn_results=calls["output_fn"],
            end_to_end_results=exchanges.told if exchanges else [],
            request_calls=exchanges.calls if exchanges else [],
            faults=unique(self.faults),
            errors=self.errors,
            notes=self.notes,
            peak_bytes=max((one.peak_bytes for one in self._all_calls()), default=0),
            model_loads=session.worker.loads if session.loaded else 0,
        )


def unique(faults: Sequence[Fault]) -> list[Fault]:
    """The faults, each once for each place, the rejecting ones first."""
    found: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        found.setdefault((fault.code, str(fault.place)), fault)
    return sorted(found.values(), key=lambda one: one.remark)

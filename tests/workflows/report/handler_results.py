"""Results of the test of a handler, as the report gets them."""

from slipway_steps.domain.handler import Exchange, Fault, FunctionCall, InferenceTestResult, Place
from slipway_steps.domain.verdict import Verdict

STRANGE = "\x1b[31m <b>&amp;</b> \x00 two\nlines " + "W" * 300


def call(function: str, seconds: float = 0.02, **given: object) -> FunctionCall:
    return FunctionCall(**{"function": function, "success": True, "seconds": seconds, "peak_bytes": 60 << 20, **given})


def exchange(sample: str, accept: str, *, success: bool) -> Exchange:
    status = 200 if success else 500
    body = "[1, 2]" if success else STRANGE
    kind = "application/json"
    return Exchange(
        sample=sample, content_type=kind, accept=accept, success=success, status=status, body=body, seconds=0.3
    )


def unsent(sample: str) -> Exchange:
    """A request that was not sent."""
    said = "not sent, after 3 requests that ended the process"
    kind = "application/json"
    return Exchange(sample=sample, content_type=kind, accept=kind, success=False, status=0, body=said, not_sent=True)


def result(verdict: Verdict) -> InferenceTestResult:
    """A result with this verdict; of a rejection all that the handler says is strange."""
    reject, known = verdict is Verdict.REJECT, verdict is not Verdict.INCONCLUSIVE
    fault = Fault(
        code="sample-fails",
        message=f"predict_fn answers 500: {STRANGE}",
        place=Place(file="code/inference.py", line=41, text=f"raise ValueError({STRANGE!r})"),
        sample="one.json",
        accept="text/csv",
        rows="row 2 of 3",
    )
    remark = Fault(code="charset", message="another type with a charset")
    functions = ("input_fn", "predict_fn", "output_fn")
    return InferenceTestResult(
        handler_name="model.tar.gz",
        package_digest="sha256:" + "ab" * 32,
        package_bytes=412,
        toolkit="sagemaker-inference 1.10.1",
        samples=1 if known else 0,
        overall_success=verdict is Verdict.PASS,
        verdict=verdict,
        total_execution_time=1.5,
        model_fn_result=call("model_fn", 0.412),
        input_fn_results=[call("input_fn")] if known else [],
        predict_fn_results=[call("predict_fn", success=not reject)] if known else [],
        output_fn_results=[call("output_fn", success=not reject, not_reached=reject)] if known else [],
        request_calls=[call(name, seconds) for name in functions for seconds in (0.01, 0.02, 5.0)] if known else [],
        end_to_end_results=[
            exchange("one.json", "application/json", success=True),
            exchange("one.json", "text/csv", success=not reject),
        ]
        if known
        else [],
        faults=[fault, remark] if reject else [remark] if known else [],
        errors=[] if known else [f"no samples: {STRANGE}"],
        notes=["a note"],
    )

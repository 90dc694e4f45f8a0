"""The verdict on each function of a handler, and on whole requests: the same in all reports."""

from slipway_steps.domain.handler import Fault, FunctionCall, InferenceTestResult

END_TO_END = "end to end"
"""Whole requests, beside the names of the functions."""
NOT_REACHED = "not reached"


def calls_alone(result: InferenceTestResult) -> list[FunctionCall]:
    """The calls of each function alone, in the order in which a request passes the functions."""
    first = [result.model_fn_result] if result.model_fn_result else []
    return [*first, *result.input_fn_results, *result.predict_fn_results, *result.output_fn_results]


def function_verdict(name: str, result: InferenceTestResult) -> str:
    """`pass`, `reject` or `not reached` for a function, or for `END_TO_END`.

    A function of a rejected handler is rejected where a call of it alone failed, or where a fault concerns it. In one
    that is not rejected it may have refused an accept type that nobody asked for.
    """
    if name == END_TO_END:
        sent = (one for one in result.end_to_end_results if not one.not_sent)
        return "pass" if all(one.success for one in sent) else "reject"
    own = [one for one in calls_alone(result) if one.function == name]
    if own and all(one.not_reached for one in own):
        return NOT_REACHED
    if not result.rejections:
        return "pass"
    if any(not one.success and not one.not_reached for one in own):
        return "reject"
    return "reject" if any(_concerns(fault, name) for fault in result.rejections) else "pass"


def _concerns(fault: Fault, name: str) -> bool:
    own = fault.kind.function == name or (fault.kind.function == "output_fn" and name == "transform_fn")
    return own or name in fault.message or (fault.place is not None and f"def {name}(" in fault.place.text)

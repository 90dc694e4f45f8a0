"""What is wrong with the signatures of a handler's functions: the toolkit counts the arguments, and passes its Context
as one more.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway_steps.domain.handler import Fault
from slipway_steps.handlers.source import Source

ARGUMENTS = {
    "model_fn": ("model_dir",),
    "input_fn": ("data", "content_type"),
    "predict_fn": ("data", "model"),
    "output_fn": ("prediction", "accept"),
    "transform_fn": ("model", "data", "content_type", "accept"),
}
"""What the toolkit gives each function, in this order (sagemaker-inference 1.10.1, transformer.py)."""
WORDS = {
    "model": {
        "model",
        "net",
        "network",
        "clf",
        "classifier",
        "regressor",
        "estimator",
        "booster",
        "predictor",
        "session",
    },
    "content_type": {"content_type", "request_content_type", "input_content_type", "contenttype", "mime", "mime_type"},
    "accept": {"accept", "accept_type", "response_content_type", "accept_header", "output_content_type"},
    "data": {"data", "input_data", "request_body", "body", "inputs", "input_object", "payload", "x", "features"},
    "prediction": {"prediction", "predictions", "pred", "preds", "prediction_output", "result", "output", "predicted"},
}
"""Usual names of arguments, by what they hold."""


def signature_faults(functions: Mapping[str, Mapping[str, Any]], source: Source) -> list[Fault]:
    """The faults in the signatures that the child described. Functions of the toolkit itself are not among them."""
    faults = [fault for name, one in functions.items() for fault in _faults_of(name, one, source)]
    if "transform_fn" in functions and (
        others := [n for n in ("input_fn", "predict_fn", "output_fn") if n in functions]
    ):
        message = f"transform_fn stands beside {' and '.join(others)}"
        faults.append(Fault(code="transform-conflict", message=message, place=source.place_of("transform_fn")))
    return faults


def _faults_of(name: str, one: Mapping[str, Any], source: Source) -> Iterator[Fault]:
    place = source.place_of(name) or (source.place(one["file"], one["line"]) if one["file"] else None)

    def fault(code: str, message: str) -> Fault:
        return Fault(code=code, message=f"{name} {message}", place=place)

    if not one["callable"]:
        yield fault("not-callable", f"is no function but a value of type {one['type']}")
    elif one["parameters"] is None:
        kind = "class" if one["type"] == "type" else "function of Python itself"
        yield fault("not-callable", f"is a {kind}, whose arguments the toolkit does not know")
    elif one["async"] or one["generator"]:
        yield fault("async", "is asynchronous" if one["async"] else "is a generator, so it returns before it has run")
    else:
        yield from _argument_faults(name, one["parameters"], fault)


def _argument_faults(name: str, parameters: list[list[Any]], fault: Any) -> Iterator[Fault]:
    wanted = ARGUMENTS[name]
    count, names = len(parameters), [one[0] for one in parameters]
    kinds = [one[1] for one in parameters]
    variable = [("*" if kind == "VAR_POSITIONAL" else "**") + n for n, kind, _ in parameters if kind.startswith("VAR_")]
    given = count if count in (len(wanted), len(wanted) + 1) else None
    positional = sum(kind.startswith("POSITIONAL") for kind in kinds)
    required = sum(kind == "KEYWORD_ONLY" and not default for _, kind, default in parameters)
    binds = given is not None and not required and (given <= positional or "VAR_POSITIONAL" in kinds)
    takes = f"({', '.join(names)})"
    if not binds and variable:
        yield fault("var-args", f"has {' and '.join(variable)}, which the toolkit counts as arguments: {count} in all")
    elif not binds:
        yield fault("arity", f"takes {takes}, but gets ({', '.join(wanted)}), or these and context")
    elif swapped := _swapped(names, wanted):
        yield fault("swapped-arguments", f"takes {takes}, but gets ({', '.join(wanted)}): {swapped}")
    elif given == len(wanted) + 1 and kinds[-1].startswith("POSITIONAL") and not _is_context(names[-1]):
        yield fault("context-into-default", f"has the argument `{names[-1]}`, which gets the toolkit's Context")


def _is_context(name: str) -> bool:
    return "context" in name.lower() or "ctx" in name.lower() or name.startswith("_") or len(name) == 1


def _held(name: str, wanted: tuple[str, ...]) -> str:
    kind = next((kind for kind, words in WORDS.items() if name.lower() in words), "")
    # a function that gets only one of the two types may call it as the other
    alike = {"content_type": "accept", "accept": "content_type"}
    return alike[kind] if kind in alike and kind not in wanted else kind


def _swapped(names: list[str], wanted: tuple[str, ...]) -> str:
    held = [_held(name, wanted) for name in names[: len(wanted)]]
    for kind, expected, name in zip(held, wanted, names, strict=False):
        # data and prediction are often called alike; what counts is that another argument's name stands here
        if kind and kind != expected and kind in wanted and {kind, expected} != {"data", "prediction"}:
            return f"`{name}` would hold the {expected}"
    return ""

"""What is wrong with an answer whose status is 2xx."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from slipway_steps.adapters.handlers.answer import Answer
from slipway_steps.domain.handler import CSV, JSON, NPY, NPZ, PARQUET, Fault
from slipway_steps.handlers.inspection import ERROR_KEYS
from slipway_steps.handlers.source import Source

MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+*-]+(\s*;.*)?")
TOLERANCE = 1e-4
"""Two predictions are equal up to this, relative and absolute: batches of another size round differently."""
VOLATILE = re.compile(r"time|latency|duration|elapsed|stamp|uuid|request.?id|trace|date|(^|_)id$", re.IGNORECASE)
"""Keys of an answer that say when and how, not what was predicted."""


_STATUSES = frozenset(map(str, range(400, 600)))
FAILED = {
    "status": {"error", "fail", "failed", "failure", *_STATUSES},
    "success": {"false"},
    "ok": {"false"},
    "statusCode": _STATUSES,
    "status_code": _STATUSES,
    "code": _STATUSES,
}
"""Keys of a JSON object, with the values in small letters that say that there is no prediction."""


STARTS = {NPY: b"\x93NUMPY", NPZ: b"PK", PARQUET: b"PAR1", "image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8"}
"""The first bytes of bodies by content type."""
JSON_LINES = frozenset({"application/jsonlines", "application/x-jsonlines", "application/x-ndjson"})
HOLDS_JSON = re.compile(r"json|yaml|text/plain|octet-stream|/(vnd|prs)\.")
"""Content types whose body may well be JSON."""


def answer_faults(answer: Answer, sample: str, accept: str, source: Source, rows: int | None = None) -> Iterator[Fault]:
    """The faults of one answer to a valid request that asked for the type `accept`. rows: those of the request; None
    where they are not known.
    """
    function = "output_fn" if source.place_of("output_fn") or not source.place_of("transform_fn") else "transform_fn"
    place = source.place_of_return(function)

    def fault(code: str, message: str) -> Fault:
        return Fault(code=code, message=message, place=place, sample=sample, accept=accept)

    made = next(
        (call.result_type for call in reversed(answer.calls) if call.function in ("output_fn", "transform_fn")), ""
    )
    if made in ("NoneType", "tuple(NoneType, str)"):
        none = fault("output-none", f"{function} returned None; the client gets {answer.status} and the body `null`")
        yield none.model_copy(update={"place": source.place_of_none(function)})
        return
    content_type = answer.content_type or ""
    if not MIME.fullmatch(content_type) and MIME.fullmatch(answer.text.strip()):
        yield fault("tuple-swapped", f"the body is {answer.text.strip()!r} and the content type {content_type[:60]!r}")
        return
    if message := error_in(answer):
        yield fault("error-as-200", f"the answer has status {answer.status} and says: {message[:120]}")
        return
    kind = content_type.partition(";")[0].strip().lower()
    wanted = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    if accept and "*/*" not in wanted and kind not in wanted:
        yield fault("accept-ignored", f"the client accepts {accept} and gets {kind or 'no content type'}")
        return
    yield from (fault(code, message) for code, message in _body_faults(answer, kind, rows))


def _body_faults(answer: Answer, kind: str, rows: int | None) -> Iterator[tuple[str, str]]:
    text = answer.text.strip()
    if kind == JSON and answer.size == len(answer.body):
        try:
            json.loads(answer.body, parse_constant=_refuse)
        except ValueError as error:
            if answer.body.startswith((STARTS[NPY], STARTS[PARQUET])) or (text and _looks_like_csv(text)):
                yield "accept-ignored", f"the content type is {kind}, and the body is not: {text[:60]}"
            else:
                yield "not-json", f"the body is no JSON ({error}): {text[:60]}"
    elif kind in STARTS:
        if not answer.body.startswith(STARTS[kind]):
            yield "accept-ignored", f"the content type is {kind}, and the body is not: {text[:60]}"
    elif kind in JSON_LINES:
        if answer.size == len(answer.body) and not _are_json_lines(text, rows):
            yield "accept-ignored", f"the content type is {kind}, and the body has no line for each row: {text[:60]}"
    elif kind and not HOLDS_JSON.search(kind) and text[:1] in ("[", "{") and _is_json(text):
        yield "accept-ignored", f"the content type is {kind}, and the body is JSON: {text[:60]}"


def _are_json_lines(text: str, rows: int | None) -> bool:
    """Whether each line is JSON, and one line alone is not the list of all rows' predictions."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not all(map(_is_json, lines)):
        return False
    only = json.loads(lines[0]) if len(lines) == 1 else None
    return not (isinstance(only, list) and rows is not None and rows > 1 and len(only) == rows)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _looks_like_csv(text: str) -> bool:
    lines = text.splitlines()
    cells = {line.count(",") for line in lines}
    # what begins with a bracket or a quote is meant as JSON, and is something like Python's repr
    return text[0] not in "[{(<\"'" and len(cells) == 1 and (len(lines) > 1 or cells != {0})


def error_in(answer: Answer) -> str:
    """The error that the body of an answer tells of; "" where it tells of none."""
    if answer.error:
        return f"{answer.error.type}: {answer.error.message}"[:200]
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = answer.text
    whole = not (isinstance(found, list) and len(found) == 1)
    if not whole:
        found = found[0]
    if isinstance(found, str):
        # one word alone can be the label of a class
        return found[:200] if re.match(r"\s*(\w*error|\w*exception|traceback)\b\W+\w", found, re.IGNORECASE) else ""
    if isinstance(found, dict):
        if whole and any(str(found.get(key)).lower() in values for key, values in FAILED.items()):
            return answer.text[:200]
        for key, value in found.items():
            # a number is a standard error or the like
            if (
                str(key).lower() in ERROR_KEYS
                and value
                and (isinstance(value, bool) or not isinstance(value, int | float))
            ):
                return f"{key}: {value}"
    return ""


def no_prediction(answer: Answer) -> bool:
    """Whether the body of an answer holds no prediction: nothing, an empty list, or NaN alone."""
    text = answer.text.strip()
    if not text or text in ("null", "[]", "{}", '""'):
        return True
    words = re.findall(r"[A-Za-z_]+|[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text)
    return bool(words) and all(word.lower() in ("nan", "null", "predictions", "outputs") for word in words)


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same, up to `TOLERANCE` and what is volatile."""
    if one.body == other.body:
        return True
    first, second = parsed(one), parsed(other)
    return first is not None and second is not None and alike(first, second)


def parsed(answer: Answer) -> Any:
    """The body as JSON values; of CSV a list of rows; None where it is neither."""
    try:
        return json.loads(answer.body)
    except ValueError:
        kind = (answer.content_type or "").partition(";")[0]
        return [line.split(",") for line in answer.text.splitlines()] if kind == CSV else None


def alike(one: Any, other: Any) -> bool:
    """Whether two parsed values are equal up to `TOLERANCE`."""
    numbers = _number(one), _number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return math.isclose(*numbers, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or all(map(math.isnan, numbers))  # type: ignore[arg-type]
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        keys = {key for key in one if not VOLATILE.search(str(key))}
        return keys == {key for key in other if not VOLATILE.search(str(key))} and all(
            alike(one[k], other[k]) for k in keys
        )
    return bool(one == other)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None

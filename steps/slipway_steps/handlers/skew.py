"""Whether the handler predicts what the evaluation did: the held-out images go through the whole handler.

The evaluation judges model.onnx by itself, and a client gets what the handler makes of it. Where the two scale or order
the input differently, every gate passes and every answer is one that nobody has judged.
"""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_steps.adapters.handlers.answer import Answer
from slipway_steps.domain.handler import CSV, JSON, NPY, Fault

if TYPE_CHECKING:
    import numpy

Send = Callable[[bytes, str, str], Answer]
"""Sends one request: body, content type, accept."""

BATCH = 32
"""Images in one request, at most."""
BODY = 4_000_000
"""Bytes of one request, at most; the model server takes 6,553,500."""
TIE = 1e-4
"""Scores that differ by less are equal: the size of a batch changes the last digits of a sum."""
SAMPLE = "holdout.npz"
NAMES = ("label", "class", "prediction", "predicted", "category")
SCORES = ("probabilities", "probability", "scores", "logits")
"""Where an answer that is an object has its label, or a number for each label."""


@dataclass(frozen=True)
class Holdout:
    """The held-out images and what the evaluation predicted for them.

    `images`: an .npz file whose array `images` is uint8 [N, H, W, 3]. `predicted`: for each image the number of its
    label in `labels`.
    """

    images: Path
    predicted: list[int]
    labels: list[str]


def check_skew(send: Send, holdout: Holdout) -> Fault | None:
    """A fault that names the first image for which the handler predicts something else, and how many there are; None
    where there is no such image. The fault `skew-unchecked` is a remark: the predictions could not be compared.
    """
    import numpy

    with numpy.load(holdout.images, allow_pickle=False) as held:
        images = held["images"]
    if len(images) != len(holdout.predicted):
        return _unchecked(f"the evaluation predicted {len(holdout.predicted)} of {len(images)} held-out images")
    if not len(images):
        return _unchecked("there are no held-out images")
    spoken = _spoken(send, images)
    if spoken is None:
        return _unchecked(f"the handler answers held-out images neither as {NPY} nor as {JSON}")
    differ: list[tuple[int, str]] = []
    for first, batch in _batches(images, *spoken):
        answer = send(_body(batch, spoken[0]), *spoken)
        if not answer.ok or answer.died:
            text = f"the handler answers {answer.status} to held-out images {first} to {first + len(batch) - 1}"
            return Fault(code="skew", message=f"{text}, which the evaluation predicted", sample=SAMPLE)
        rows = _rows(answer)
        if rows is None or len(rows) != len(batch):
            return _unchecked(f"the handler's answer to {len(batch)} images does not have a row for each")
        for number, row in enumerate(rows, first):
            meant = _meant(row, holdout.labels)
            if not meant:
                return _unchecked(f"no label can be read from {json.dumps(row)[:80]} in the handler's answer")
            if holdout.predicted[number] not in meant:
                differ.append((number, holdout.labels[meant[0]]))
    if not differ:
        return None
    number, found = differ[0]
    wanted = holdout.labels[holdout.predicted[number]]
    message = (
        f"for held-out image {number} the handler predicts {found}, the evaluation predicted {wanted}; "
        f"{len(differ)} of {len(images)} images differ"
    )
    return Fault(code="skew", message=message, sample=SAMPLE, accept=spoken[1], rows=f"image {number}")


def _unchecked(why: str) -> Fault:
    return Fault(code="skew-unchecked", message=f"{why}, so its predictions were not compared", sample=SAMPLE)


def _spoken(send: Send, images: "numpy.ndarray[Any, Any]") -> tuple[str, str] | None:
    """The first content type and accept type that the handler understands; None where there are none."""
    for accept in (JSON, CSV):
        for content_type in (NPY, JSON):
            answer = send(_body(images[:1], content_type), content_type, accept)
            if answer.ok and not answer.died and _rows(answer) is not None:
                return content_type, accept
    return None


def _body(images: "numpy.ndarray[Any, Any]", content_type: str) -> bytes:
    if content_type == JSON:
        return json.dumps({"instances": images.tolist()}).encode()
    import numpy

    file = io.BytesIO()
    numpy.save(file, images, allow_pickle=False)
    return file.getvalue()


def _batches(
    images: "numpy.ndarray[Any, Any]", content_type: str, _accept: str
) -> Iterator[tuple[int, "numpy.ndarray[Any, Any]"]]:
    """The images in batches, each with the number of its first image."""
    size = max(1, min(BATCH, BODY // len(_body(images[:1], content_type))))
    for first in range(0, len(images), size):
        yield first, images[first : first + size]


def _rows(answer: Answer) -> list[Any] | None:
    """The rows of an answer: a list, or the one list of an object, as JSON; else the lines of a table."""
    if answer.size > len(answer.body):
        return None  # it was cut
    try:
        text = answer.body.decode()
        if (answer.content_type or "").partition(";")[0].strip() != JSON:
            return [line.split(",") for line in text.splitlines() if line.strip()]
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else None
    return found if isinstance(found, list) else None


def _meant(row: Any, labels: list[str]) -> list[int]:
    """The numbers of the labels that a row of an answer can mean: several where scores are equal, or where a number is
    the name of one label and the place of another. [] where it means none.
    """
    if isinstance(row, dict):
        for key in (*NAMES, *SCORES):
            if key in row and (found := _meant(row[key], labels)):
                return found
        return _best([row[label] for label in labels]) if set(row) == set(labels) else []
    if isinstance(row, list):
        if len(row) == 1:
            return _meant(row[0], labels)
        if len(row) == len(labels) + 1:  # the label, then all scores
            return _meant(row[0], labels)
        return _best(row) if len(row) == len(labels) else []
    if isinstance(row, bool) or not isinstance(row, str | int | float):
        return []
    text = str(int(row)) if isinstance(row, float) and row.is_integer() else str(row).strip().strip('"')
    by_name = [labels.index(text)] if text in labels else []
    by_place = [int(text)] if text.isascii() and text.isdigit() and int(text) < len(labels) else []
    return [*dict.fromkeys([*by_name, *by_place])]


def _best(scores: list[Any]) -> list[int]:
    try:
        numbers = [float(score) for score in scores]
    except (TypeError, ValueError):
        return []
    most = max(numbers)
    near = [number for number, score in enumerate(numbers) if most - score <= TIE]
    return sorted(near, key=lambda number: -numbers[number])

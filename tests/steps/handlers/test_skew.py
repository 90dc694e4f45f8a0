"""The handler's predictions against those of the evaluation."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from slipway_steps.adapters.handlers.answer import Answer, Death
from slipway_steps.handlers.skew import Holdout, check_skew

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
LABELS = ["cat", "dog", "eel"]


def holdout(tmp_path: Path, count: int = 70, labels: list[str] = LABELS) -> Holdout:
    """Images whose first pixel is the number of the label that the evaluation predicted."""
    predicted = [number * 7 % len(labels) for number in range(count)]
    images = numpy.zeros((count, 4, 4, 3), numpy.uint8)
    images[:, 0, 0, 0] = predicted
    numpy.savez(tmp_path / "holdout.npz", images=images)
    return Holdout(tmp_path / "holdout.npz", predicted, labels)


def answer(status: int, body: bytes, content_type: str = JSON, **more: Any) -> Answer:
    return Answer("1", status, content_type, body, size=len(body), **more)


class Handler:
    """A handler that answers with `written(label numbers)`, for the content types and accept types that it knows."""

    def __init__(
        self, written: Callable[[list[int]], Any], types: tuple[str, ...] = (NPY,), accepts: tuple[str, ...] = (JSON,)
    ) -> None:
        self.written, self.types, self.accepts = written, types, accepts
        self.sizes: list[int] = []

    def __call__(self, body: bytes, content_type: str, accept: str) -> Answer:
        if content_type not in self.types or accept not in self.accepts:
            return answer(500, b"no")
        if content_type == JSON:
            images = numpy.array(json.loads(body)["instances"])
        else:
            images = numpy.load(io.BytesIO(body), allow_pickle=False)
        self.sizes.append(len(images))
        found = self.written(images[:, 0, 0, 0].tolist())
        return answer(200, (found if isinstance(found, str) else json.dumps(found)).encode(), accept)


def scores(number: int) -> list[float]:
    return [0.8 if number == other else 0.1 for other in range(3)]


WRITTEN: dict[str, Callable[[list[int]], Any]] = {
    "labels": lambda numbers: [LABELS[n] for n in numbers],
    "places": lambda numbers: {"predictions": numbers},
    "places as floats": lambda numbers: [[float(n)] for n in numbers],
    "scores": lambda numbers: {"model": "m", "outputs": [scores(n) for n in numbers]},
    "objects": lambda numbers: [{"label": LABELS[n], "probability": 0.8} for n in numbers],
    "objects of scores": lambda numbers: [{"id": 1, "probabilities": scores(n)} for n in numbers],
    "objects by label": lambda numbers: [dict(zip(LABELS, scores(n), strict=True)) for n in numbers],
    "label and scores": lambda numbers: [[LABELS[n], *scores(n)] for n in numbers],
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("content_type", [NPY, JSON])
def test_equal_predictions_in_each_form(tmp_path: Path, form: str, content_type: str) -> None:
    handler = Handler(WRITTEN[form], (content_type,))
    assert check_skew(handler, holdout(tmp_path)) is None
    assert handler.sizes[1:] == [32, 32, 6]


def test_a_table_is_an_answer_too(tmp_path: Path) -> None:
    def table(numbers: list[int]) -> str:
        return "".join(",".join([LABELS[n], *map(str, scores(n))]) + "\n" for n in numbers)

    assert check_skew(Handler(table, accepts=(CSV,)), holdout(tmp_path)) is None


@pytest.mark.parametrize("form", WRITTEN)
def test_what_differs_is_named_and_counted(tmp_path: Path, form: str) -> None:
    """Images 40 and 43 come out as their neighbours would."""
    given = holdout(tmp_path)
    wrong = Holdout(given.images, [(p + 1) % 3 if n in (40, 43) else p for n, p in enumerate(given.predicted)], LABELS)
    fault = check_skew(Handler(WRITTEN[form]), wrong)
    assert fault is not None
    assert (fault.code, fault.remark, fault.rows) == ("skew", False, "image 40")
    was, now = LABELS[given.predicted[40]], LABELS[wrong.predicted[40]]
    assert f"image 40 the handler predicts {was}, the evaluation predicted {now}" in fault.message
    assert "2 of 70 images differ" in fault.message


def test_equal_scores_are_no_difference(tmp_path: Path) -> None:
    def nearly(numbers: list[int]) -> list[list[float]]:
        return [[0.4 - 1e-5 if n == other else 0.4 for other in range(3)] for n in numbers]

    assert check_skew(Handler(nearly), holdout(tmp_path)) is None


def test_a_digit_is_the_name_of_a_label_or_its_place(tmp_path: Path) -> None:
    names = ["3", "1", "2"]
    given = holdout(tmp_path, labels=names)
    assert check_skew(Handler(lambda numbers: [names[n] for n in numbers]), given) is None
    assert check_skew(Handler(lambda numbers: numbers), given) is None


def test_a_handler_that_fails_later_is_at_fault(tmp_path: Path) -> None:
    working = Handler(WRITTEN["labels"])

    def send(body: bytes, content_type: str, accept: str) -> Answer:
        return answer(500, b"no") if len(working.sizes) > 2 else working(body, content_type, accept)

    fault = check_skew(send, holdout(tmp_path))
    assert fault is not None
    assert fault.code == "skew"
    assert "500 to held-out images 64 to 69" in fault.message


def dies(body: bytes, content_type: str, accept: str) -> Answer:
    return answer(500, b"Worker died.", death=Death("exit", "it ended"))


UNCHECKED: dict[str, Any] = {
    "other types": Handler(WRITTEN["labels"], ("image/png",)),
    "death": dies,
    "no rows": Handler(lambda numbers: {"a": [1], "b": [2]}),
    "no JSON": Handler(lambda numbers: "not JSON"),
    "too few rows": Handler(lambda numbers: ["cat"]),
    "no label": Handler(lambda numbers: ["cow" for _ in numbers]),
    "nothing": Handler(lambda numbers: [None for _ in numbers]),
    "a truth": Handler(lambda numbers: [True for _ in numbers]),
    "other scores": Handler(lambda numbers: [[0.1, 0.9] for _ in numbers]),
    "no scores": Handler(lambda numbers: [["a", "b", "c"] for _ in numbers]),
}


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_cannot_be_compared_is_said_and_rejects_nothing(tmp_path: Path, name: str) -> None:
    fault = check_skew(UNCHECKED[name], holdout(tmp_path))
    assert fault is not None
    assert (fault.code, fault.remark) == ("skew-unchecked", True)
    assert "not compared" in fault.message


def test_an_answer_that_was_cut_is_not_compared(tmp_path: Path) -> None:
    def send(body: bytes, content_type: str, accept: str) -> Answer:
        return Answer("1", 200, JSON, b'["cat"]', size=2_000_000)

    fault = check_skew(send, holdout(tmp_path))
    assert fault is not None
    assert fault.code == "skew-unchecked"


def test_predictions_of_other_images_are_not_compared(tmp_path: Path) -> None:
    given = holdout(tmp_path)
    for predicted in (given.predicted[:-1], []):
        fault = check_skew(Handler(WRITTEN["labels"]), Holdout(given.images, predicted, LABELS))
        assert fault is not None
        assert fault.code == "skew-unchecked"
        assert f"predicted {len(predicted)} of 70" in fault.message
    empty = holdout(tmp_path, count=0)
    fault = check_skew(Handler(WRITTEN["labels"]), empty)
    assert fault is not None
    assert "no held-out images" in fault.message


def test_large_images_go_in_smaller_requests(tmp_path: Path) -> None:
    numpy.savez_compressed(tmp_path / "large.npz", images=numpy.zeros((9, 512, 512, 3), numpy.uint8))
    handler = Handler(WRITTEN["labels"])
    assert check_skew(handler, Holdout(tmp_path / "large.npz", [0] * 9, LABELS)) is None
    assert handler.sizes[1:] == [5, 4]

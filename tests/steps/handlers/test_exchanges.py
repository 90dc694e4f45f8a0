"""What the answers to all samples show, whatever worker gave them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slipway_steps.adapters.handlers.answer import Answer, Call, Death, HandlerError, Loaded, Request
from slipway_steps.domain.handler import CSV, JSON, InferenceHandlerSpec, InferenceTestSample
from slipway_steps.handlers.exchanges import Exchanges
from slipway_steps.handlers.source import read_source

HANDLER = """def input_fn(data, content_type):
    return data
def predict_fn(data, model):
    return data
def output_fn(prediction, accept):
    return prediction
"""
Reply = Callable[[Request], Answer]


class Worker:
    """Answers by a function, and keeps what it was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.asked = reply, []

    def send(self, requests: Sequence[Request], **_: object) -> list[Answer]:
        self.asked += requests
        return [self.reply(request) for request in requests]

    def retry(self, request: Request) -> list[str]:
        return []

    def restart(self) -> None:
        pass


@pytest.fixture
def exchanges(tmp_path: Path) -> Callable[..., Exchanges]:
    """exchanges(reply, sample, ..., **spec): the requests of these samples, which were sent."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(HANDLER)

    def run(reply: Reply, *samples: InferenceTestSample, opened: tuple[str, ...] = (), **spec: Any) -> Exchanges:
        worker = Worker(reply)
        made = InferenceHandlerSpec(handler_name="h", step_name="s", packaged_model_path=tmp_path, **spec)
        session: Any = SimpleNamespace(
            spec=made,
            inspection=SimpleNamespace(source=read_source(tmp_path)),
            worker=worker,
            send=worker.send,
            loaded=Loaded(True, 0.1, opened=opened),
        )
        found = Exchanges(session, samples)
        found.run()
        return found

    return run


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., InferenceTestSample]:
    def make(text: str = "[[1], [2]]", name: str = "one.json", **given: Any) -> InferenceTestSample:
        (tmp_path / name).write_text(text)
        return InferenceTestSample(
            **{"sample_name": name, "content_type": JSON, "path": tmp_path / name, "accept": JSON, **given}
        )

    return make


NOT_SENT = "not sent, after 3 requests that ended the process"


def test_what_was_not_sent_is_neither_a_fault_nor_measured(
    exchanges: Callable[..., Exchanges], sample: Callable[..., InferenceTestSample]
) -> None:
    def reply(request: Request) -> Answer:
        dead = Death("exit", "ended with exit code 3")
        return (
            Answer("1", 500, None, b"", death=dead)
            if request.id == "0"
            else Answer("2", 0, None, b"", not_sent=NOT_SENT)
        )

    negative = sample(name="no.json", should_succeed=False, status=400, error_pattern="no table")
    found = exchanges(reply, sample(), sample(name="two.json", status=201, expect=[1]), negative)
    assert [one.sample for one in found.faults] == ["one.json"]
    assert [(one.not_sent, one.success, one.body) for one in found.told] == [
        (False, False, ""),
        (True, False, NOT_SENT),
        (True, False, NOT_SENT),
    ]
    assert found.notes == ["2 of 3 requests were not sent, after 3 requests that ended the process"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"should_succeed": False, "status": 422}, 2),
        ({"should_succeed": False, "error_pattern": "no row"}, 2),
        ({"status": 422}, 2),
    ],
)
def test_an_unexpected_refusal_is_where_it_was_raised(
    exchanges: Callable[..., Exchanges], sample: Callable[..., InferenceTestSample], given: dict[str, Any], line: int
) -> None:
    error = HandlerError("input_fn", "BaseInferenceToolkitError", "no", (("inference.py", line, "input_fn"),))
    refused = Answer("1", 400, None, b"no", "no", error=error)
    (fault, *_) = exchanges(lambda request: refused, sample(**given)).faults
    assert (fault.code, str(fault.place)) == ("unexpected-answer", f"code/inference.py:{line}")


def test_an_unexpected_refusal_of_the_toolkit_is_where_its_function_is(
    exchanges: Callable[..., Exchanges], sample: Callable[..., InferenceTestSample]
) -> None:
    refused = Answer("1", 500, None, b"no", "no", error=HandlerError("input_fn", "UnsupportedFormatError", "no"))
    (fault,) = exchanges(lambda request: refused, sample(should_succeed=False, status=415)).faults
    assert (fault.code, str(fault.place)) == ("unexpected-answer", "code/inference.py:1")


def answer(body: bytes = b"[1, 2]", kind: str | None = JSON, status: int = 200, **more: Any) -> Answer:
    return Answer("1", status, kind, body, size=len(body), calls=(Call("output_fn", 0.1, 0, "str"),), **more)


def raised(message: str, function: str = "predict_fn", line: int = 4) -> Answer:
    error = HandlerError(function, "ValueError", message, (("inference.py", line, function),))
    return answer(b"", None, 500, reason=message, error=error)


def codes(found: Exchanges) -> list[str]:
    return [fault.code for fault in found.faults]


def test_a_good_answer_is_told_whole(exchanges: Any, sample: Any) -> None:
    found = exchanges(
        lambda request: answer(b"x" * 600 if request.accept == CSV else b"[1]", request.accept), sample(accept="")
    )
    assert codes(found) == []
    assert [(one.accept, one.success, one.status, len(one.body)) for one in found.told] == [
        (JSON, True, 200, 3),
        (CSV, True, 200, 500),
    ]
    assert {call.accept for call in found.calls} == {JSON, CSV}


def test_which_accept_types_are_asked_for(exchanges: Any, sample: Any) -> None:
    samples = (sample(accept=""), sample(name="b", accept="a/b"), sample(name="c", accept="", should_succeed=False))
    found = exchanges(lambda request: answer(b"[1]", request.accept), *samples)
    assert [(one.sample_name, accept) for one, accept in found.pairs] == [
        ("one.json", JSON),
        ("one.json", CSV),
        ("b", "a/b"),
        ("c", JSON),
    ]


@pytest.mark.parametrize(
    ("reply", "expected", "codes_found"),
    [
        (answer(), {"expect": [1.00001, 2]}, []),
        (answer(), {"expect": [1, 3]}, ["unexpected-answer"]),
        (answer(status=201), {"status": 200}, ["unexpected-answer"]),
        (answer(b"", None, 404), {"status": 404}, []),
        (raised("no"), {"status": 404}, ["unexpected-answer", "sample-fails"]),
        (answer(connections=("a:1",)), {}, ["downloads"]),
    ],
    ids=["expected", "another answer", "another status", "wanted failure", "unwanted failure", "network"],
)
def test_an_answer_is_compared_with_what_is_said_of_the_sample(
    exchanges: Any, sample: Any, reply: Answer, expected: dict[str, Any], codes_found: list[str]
) -> None:
    found = exchanges(lambda request: reply, sample(**expected))
    assert codes(found) == codes_found
    assert [one.success for one in found.told] == [not codes_found]


@pytest.mark.parametrize(
    ("reply", "expected", "codes_found"),
    [
        (answer(b'{"error": "no"}', None, 400), {"error_pattern": "n.$|no"}, []),
        (answer(b"", None, 400, reason="bad row"), {"error_pattern": "bad (row|cell)", "status": 400}, []),
        (answer(b"", None, 400, reason="bad row"), {"error_pattern": "column"}, ["unexpected-answer"]),
        (answer(b"", None, 400), {"status": 422}, ["unexpected-answer"]),
        (raised("bad row"), {"error_pattern": "bad row"}, ["client-fault-500"]),
        (raised("bad row"), {"status": 500}, []),
        (answer(), {}, ["accepts-garbage"]),
        (answer(b'{"error": "no"}'), {}, ["error-as-200"]),
        (answer(b"[1 2]"), {}, ["not-json"]),
        (answer(b"", None, 500, death=Death("exit", "ended")), {}, ["exit"]),
        (answer(b"", None, 0, no_answer="no client reads the status 99"), {}, ["no-answer"]),
    ],
)
def test_a_negative_sample_has_to_be_refused_as_it_is_said(
    exchanges: Any, sample: Any, reply: Answer, expected: dict[str, Any], codes_found: list[str]
) -> None:
    assert codes(exchanges(lambda request: reply, sample(should_succeed=False, **expected))) == codes_found


def test_a_refused_accept_type_is_a_note_only_where_nobody_promised_it(exchanges: Any, sample: Any) -> None:
    def reply(request: Request) -> Answer:
        return answer() if request.accept == JSON else raised("unsupported accept type text/csv", "output_fn", 6)

    found = exchanges(reply, sample(accept=""), sample(name="two.json", accept=""))
    assert codes(found) == []
    assert [note.partition(":")[0] for note in found.notes] == ["text/csv is not answered"]
    promised = exchanges(reply, sample(accept=""), supported_accept_types=[JSON, CSV])
    assert codes(promised) == ["type-refused"]
    assert codes(exchanges(reply, sample(accept=CSV))) == ["type-refused"]


def test_a_sample_that_fails_is_cut_down_to_the_rows_that_fail(exchanges: Any, sample: Any) -> None:
    def reply(request: Request) -> Answer:
        rows = json.loads(request.path.read_text() if request.path else request.body)
        return raised("a negative number") if [-1] in rows else answer()

    (fault,) = exchanges(reply, sample("[[1], [-1], [2], [-1]]")).faults
    assert (fault.code, fault.rows) == ("sample-fails", "rows 2, 4 of 4")


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n1,2\n", "the sample's first row is a header"), ("1,2\n3,4\n", "the sample has none")]
)
def test_a_header_too_much_or_too_few_is_named(exchanges: Any, sample: Any, text: str, said: str) -> None:
    def reply(request: Request) -> Answer:
        """As a handler that drops the first line where the sample has no header, and takes it as data where it has."""
        body = (request.path.read_bytes() if request.path else request.body).decode()
        lines = body.splitlines() if text.startswith("a") else body.splitlines()[1:]
        if len(lines) < 1 or (not text.startswith("a") and len(lines) < 2) or "a,b" in lines:
            return raised("could not convert")
        return answer(json.dumps([0.5] * len(lines)).encode())

    (fault,) = exchanges(reply, sample(text, "rows.csv", content_type=CSV)).faults
    assert fault.code == "header-row"
    assert said in fault.message


@pytest.mark.parametrize(
    ("loaded", "requests", "names"),
    [
        (("m.bin",), [("m.bin",), ("m.bin",), ("m.bin",)], "m.bin"),
        (("m.bin",), [("m.bin",), (), ()], ""),
        (("m.bin",), [("other.txt",), ("other.txt",), ("other.txt",)], ""),
        (("a.bin", "b.bin"), [(), ("a.bin",), ("b.bin",)], "a.bin, b.bin"),
        ((), [("m.bin",), ("m.bin",), ("m.bin",)], "m.bin"),
        ((), [("m.bin",), ("m.bin",), ()], ""),
        ((), [("look.sqlite",), ("look.sqlite",), ("look.sqlite",)], ""),
        (("m.bin",), [("m.bin",)], ""),
    ],
)
def test_model_files_that_later_requests_open_are_loads(
    exchanges: Any, sample: Any, loaded: tuple[str, ...], requests: list[tuple[str, ...]], names: str
) -> None:
    replies = iter([answer(opened=opened) for opened in requests])
    samples = [sample(name=f"{number}.json") for number in range(len(requests))]
    found = exchanges(lambda request: next(replies), *samples, opened=loaded)
    assert [fault.message for fault in found.faults] == ([f"each request opens {names} again"] if names else [])


def test_the_probes_start_from_a_sample_with_several_rows_in_json(exchanges: Any, sample: Any) -> None:
    samples = (
        sample("[[1]]", "small.json", accept=""),
        sample("[[1], [2]]", "large.json", accept=""),
        sample("1\n", "rows.csv", content_type=CSV),
        sample("[]", "refused.json", should_succeed=False),
        sample("x", "text.txt", content_type="text/plain"),
    )

    def reply(request: Request) -> Answer:
        fails = request.content_type == "text/plain" or request.path.name == "refused.json"
        return answer(b"", None, 400) if fails else answer(b"[1]", request.accept)

    bases = exchanges(reply, *samples).bases()
    assert [(one.sample, one.accept) for one in bases] == [("large.json", JSON), ("rows.csv", JSON)]

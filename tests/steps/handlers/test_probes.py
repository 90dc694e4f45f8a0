"""Probes ask a handler what no sample asks."""

import ast
import json
from collections.abc import Callable, Iterator, Sequence

import pytest

from slipway_steps.adapters.handlers.answer import Answer, Death, HandlerError, Request
from slipway_steps.domain.handler import CSV, JSON, Fault
from slipway_steps.handlers.probes import Base, Probes, smallest
from slipway_steps.handlers.source import Source


def asked(body: bytes) -> list[bytes]:
    """The bodies with other numbers of rows that are sent beside this one."""
    sent: list[bytes] = []

    def send(requests: Sequence[Request]) -> list[Answer]:
        sent.extend(request.body for request in requests)
        return [Answer(request.id, 400, JSON, b"") for request in requests]

    probes = Probes(send, lambda: None, Source({}, {}))
    assert list(probes.rows(Base("sample", body, JSON, JSON, Answer("0", 200, JSON, b"[1, 2]")))) == []
    return sent


def test_rows_are_asked_for_in_other_numbers() -> None:
    assert asked(b"[[1], [2]]") == [b"[[1], [1]]", b"[[1], [2], [1]]", b"[[1], [2]]", b"[[1]]"]
    assert asked(b"[[1]]") == [b"[[1], [1]]", b"[[1], [1], [1]]", b"[[1]]"]
    assert asked(b'{"a": 1}\n{"a": 2}')[0] == b'{"a": 1}\n{"a": 1}\n'


@pytest.mark.parametrize("body", [b"[5.1, 3.5]", b'{"instances": ["Bern", 2.5]}', b"3"])
def test_a_body_whose_rows_nobody_knows_is_left_as_it_is(body: bytes) -> None:
    assert asked(body) == []


def ok(value: object) -> Answer:
    body = json.dumps(value).encode()
    return Answer("0", 200, JSON, body, size=len(body))


def refused(status: int = 400, **more: object) -> Answer:
    return Answer("0", status, JSON, b"", **more)  # type: ignore[arg-type]


DEAD = refused(500, death=Death("exit", "ended with exit code 1"))


def probes(reply: Callable[[bytes], Answer]) -> Probes:
    return Probes(lambda requests: [reply(one.body) for one in requests], lambda: None, Source({}, {}))


def told(faults: Iterator[Fault]) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in faults]


BASE = Base("one.json", b"[[1], [2]]", JSON, JSON, ok([1, 2]))
TABLE = Base("one.csv", b"1\n2\n", CSV, JSON, ok([1, 2]))


def test_a_request_that_works_no_more_is_a_leak_of_state() -> None:
    error = HandlerError("predict_fn", "RuntimeError", "pool exhausted")
    answers = iter([ok([1, 2]), refused(500, error=error), ok([1, 2]), ok([1, 2]), ok([1, 2])])
    ((code, message),) = told(probes(lambda body: next(answers)).repeated(BASE))
    assert code == "state-leak"
    assert message.startswith("a request that worked gets 500 when it is sent again")


@pytest.mark.parametrize("where", [b"[[1], [1]]", b"[[1]]"])
def test_a_death_over_other_rows_is_named(where: bytes) -> None:
    found = told(probes(lambda body: DEAD if body == where else ok([1] * len(json.loads(body)))).rows(BASE))
    assert [code for code, _ in found] == ["exit"]


@pytest.mark.parametrize(
    ("count", "code"),
    [(lambda rows: rows - 1, "header-row"), (lambda rows: rows + 1, "header-row"), (lambda rows: rows**2, "row-count")],
)
def test_rows_that_get_another_number_of_rows(count: Callable[[int], int], code: str) -> None:
    found = told(probes(lambda body: ok([0] * count(len(body.splitlines())))).rows(TABLE))
    assert [one for one, _ in found] == [code]


def test_a_prediction_that_depends_on_the_rows_beside_it_is_named() -> None:
    found = told(probes(lambda body: ok([len(set(body))] * len(json.loads(body)))).rows(BASE))
    assert [code for code, _ in found] == ["batch-dependent"]


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (ok([7, 8]), ["accepts-garbage"]),
        (ok({"error": "no"}), ["error-as-200"]),
        (ok([]), []),
        (Answer("0", 200, JSON, b"[1, NaN]", size=8), []),
        (Answer("0", 200, "[1]", b"application/json"), ["tuple-swapped"]),
        (refused(400), []),
        (refused(500, reason="no"), ["client-fault-500"]),
        (DEAD, ["exit"]),
    ],
)
def test_what_is_no_input_has_to_be_refused(answer: Answer, codes: list[str]) -> None:
    assert [code for code, _ in told(probes(lambda body: answer).garbage(BASE))] == codes


@pytest.mark.parametrize(
    ("answer", "codes"), [(ok([7]), ["empty-body"]), (ok([]), []), (refused(500), []), (DEAD, ["exit"])]
)
def test_no_body_is_no_input(answer: Answer, codes: list[str]) -> None:
    assert [code for code, _ in told(probes(lambda body: answer).empty(BASE))] == codes


@pytest.mark.parametrize(("body", "content_type"), [(b"good\nbad\n", CSV), (b"x", "text/plain")])
def test_any_text_is_input_for_a_model_of_text(body: bytes, content_type: str) -> None:
    base = Base("a", body, content_type, JSON, ok([1]))
    found = probes(lambda body: ok([1]))
    assert [*found.garbage(base), *found.empty(base)] == []


@pytest.mark.parametrize(("line", "code"), [(2, "non-ascii-error"), (1, "client-fault-500")])
def test_an_error_that_repeats_foreign_letters_is_the_handler_s_only_where_it_raises_it(line: int, code: str) -> None:
    error = HandlerError("input_fn", "ValueError", "ä", (("inference.py", line, "input_fn"),))
    lost = refused(500, lost="a length leads out of the message", error=error)
    found = probes(lambda body: lost)
    text = "float(data)\nraise ValueError(data)\n"
    found.source = Source({"inference.py": text.splitlines()}, {"inference.py": ast.parse(text)})
    assert [one for one, _ in told(found.foreign_text(BASE))] == [code]
    assert told(probes(lambda body: refused(400)).foreign_text(BASE)) == []
    assert told(found.foreign_text(Base("a", b"", "image/png", JSON, ok([1])))) == []


def test_a_type_that_no_handler_knows_is_asked_for_once() -> None:
    found = probes(lambda body: DEAD)
    assert [code for code, _ in told(found.unknown_types(BASE))] == ["exit", "exit"]
    assert told(found.unknown_types(BASE)) == []


def test_a_parameter_of_the_content_type_that_is_refused_is_a_remark() -> None:
    (fault,) = probes(lambda body: refused(415)).charset(BASE)
    assert (fault.code, fault.remark) == ("charset", True)
    assert list(probes(lambda body: refused()).charset(Base("a", b"", "image/png", JSON, ok([1])))) == []


@pytest.mark.parametrize(
    ("content_type", "body", "reply"),
    [
        (JSON, b"[1]", lambda body: ok([1])),
        (CSV, b"\n", lambda body: ok([1])),
        (CSV, b"a\n1\n", lambda body: refused()),
        (CSV, b"1\n2\n", lambda body: refused()),
        (CSV, b"1\n2\n", lambda body: ok([1, 2, 3])),
    ],
    ids=["no CSV", "nothing", "not by its header", "not for want of one", "each row is one"],
)
def test_a_sample_that_fails_for_another_reason_has_no_fault_of_its_header(
    content_type: str, body: bytes, reply: Callable[[bytes], Answer]
) -> None:
    assert probes(reply).header(content_type, JSON, body, "a") is None


@pytest.mark.parametrize(
    ("body", "failing", "said"),
    [
        (b"[[1], [2], [3]]", (b"[[2]]",), "row 2 of 3"),
        (b"[[1], [2], [3]]", (b"[[1]]", b"[[3]]"), "rows 1, 3 of 3"),
        (b"[[1], [2]]", (b"[[1]]", b"[[2]]"), ""),
        (b"[[1], [2]]", (), ""),
        (b"[[1]]", (b"[[1]]",), ""),
        (b"3", (b"3",), ""),
        (b"[" + b"[1]," * 64 + b"[2]]", (b"[[2]]",), ""),
    ],
)
def test_a_sample_is_cut_down_to_the_rows_that_fail_alone(body: bytes, failing: tuple[bytes, ...], said: str) -> None:
    assert smallest(lambda one: refused() if one in failing else ok([1]), body, JSON) == said

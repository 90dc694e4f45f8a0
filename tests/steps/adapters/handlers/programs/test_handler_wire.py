"""The messages of the server's own worker, read as its front end reads them."""

import json
from typing import Any

import pytest
from mms.context import Context, RequestProcessor
from mms.protocol.otf_message_handler import create_predict_response

from slipway_steps.adapters.handlers.programs.handler_wire import LARGEST, WorkerLost, client_answer


def message(
    body: Any = "[1]",
    kind: str | None = "application/json",
    status: int = 200,
    phrase: str = "OK",
    headers: tuple[tuple[str, str], ...] = (),
) -> bytearray:
    """What the worker writes for one answer, made by the worker's own code."""
    context = Context("model", "", {}, 1, None, "1")
    context.request_processor = [RequestProcessor({})]
    if kind is not None:
        context.set_response_content_type(0, kind)
    for name, value in headers:
        context.set_response_header(0, name, value)
    context.set_response_status(status, phrase)
    return create_predict_response([body], {0: "request"}, "ok", 200, context)


def test_an_answer_is_read_whole() -> None:
    answer = client_answer(message("[1, 2]", "text/csv", 201, " made "))
    assert answer == {"status": 201, "reason": "made", "content_type": "text/csv", "body": b"[1, 2]"}
    assert client_answer(message(b"\x00\xff", None))["content_type"] is None


def test_a_message_that_is_cut_off_anywhere_loses_the_worker() -> None:
    whole = message(headers=(("a", "b"),))
    for length in range(len(whole)):
        with pytest.raises(WorkerLost):
            client_answer(whole[:length])


def test_more_behind_the_last_answer_loses_the_worker() -> None:
    with pytest.raises(WorkerLost, match="does not end where it should"):
        client_answer(message()[:-4] + b"\0\0\0\7" + b"\xff" * 4)


@pytest.mark.parametrize("part", [{"phrase": "Größe"}, {"kind": "text/ä"}])
def test_a_text_that_is_not_ascii_loses_the_worker(part: dict[str, str]) -> None:
    with pytest.raises(WorkerLost):
        client_answer(message(**part))


def test_the_largest_answer_is_read_and_one_byte_more_is_not() -> None:
    assert len(client_answer(message(bytes(LARGEST)))["body"]) == LARGEST
    with pytest.raises(WorkerLost, match=f"too large: {LARGEST + 1} bytes"):
        client_answer(message(bytes(LARGEST + 1)))


def test_what_the_worker_cannot_write_is_answered_by_the_front_end() -> None:
    answer = client_answer(message({1, 2}))
    assert (answer["status"], answer["reason"]) == (503, "Service Unavailable")
    told = {"code": 503, "type": "InternalServerException", "message": "Unsupported model output data type."}
    assert json.loads(answer["body"]) == told


@pytest.mark.parametrize("status", [100, 99, 1000, 0])
def test_a_status_that_no_client_reads_is_no_answer(status: int) -> None:
    answer = client_answer(message(status=status))
    assert (answer["status"], answer["lost"]) == (0, "")
    assert answer["no_answer"] == f"no client reads the status {status}"


@pytest.mark.parametrize("part", [{"status": -1}, {"phrase": "two\nlines"}, {"phrase": "two\rlines"}])
def test_what_the_front_end_cannot_write_ends_the_worker_as_well(part: dict[str, Any]) -> None:
    answer = client_answer(message(**part))
    assert answer["status"] == 0
    assert answer["no_answer"].startswith(answer["lost"])
    assert answer["lost"].startswith("the front end cannot write the status")


@pytest.mark.parametrize("status", [102, 204, 205, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    assert client_answer(message(status=status))["body"] == b""


def test_a_header_that_the_handler_set_replaces_the_content_type() -> None:
    names = [("Content-type", "a/1"), ("content-type", "a/2")]
    found = {client_answer(message(headers=tuple(order)))["content_type"] for order in (names, names[::-1])}
    assert len(found) == 1, "the order in which the handler set them does not matter"
    assert found < {"a/1", "a/2"}


def test_what_stands_behind_a_line_break_is_another_header() -> None:
    assert client_answer(message(kind="text/csv\r\nX-More: 1"))["content_type"] == "text/csv"

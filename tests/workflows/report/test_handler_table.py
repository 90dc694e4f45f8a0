"""The table of a handler's functions, and its numbers as people read them."""

from workflows.report.handler_results import result, unsent

from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.handler_table import (
    bytes_text,
    fault_lines,
    function_rows,
    headline,
    one_line,
    seconds_text,
    size_text,
)


def test_each_function_has_a_row_with_its_verdict() -> None:
    rows = {row.name: row for row in function_rows(result(Verdict.REJECT))}
    assert {name: row.verdict for name, row in rows.items()} == {
        "model_fn": "pass",
        "input_fn": "pass",
        "predict_fn": "reject",
        "output_fn": "not reached",
        "end to end": "reject",
    }
    assert (rows["input_fn"].calls, rows["input_fn"].p50, rows["input_fn"].p95) == (3, 0.02, 5.0)
    assert rows["input_fn"].peak == 60 << 20
    assert (rows["model_fn"].within, rows["input_fn"].within) == ("", "slower")


def test_requests_that_were_not_sent_are_not_timed() -> None:
    found = result(Verdict.REJECT)
    found.end_to_end_results.extend(unsent(f"{number}.json") for number in range(9))
    row = function_rows(found)[-1]
    assert (row.name, row.calls, row.p50) == ("end to end", 2, 0.3)


def test_a_request_that_ended_the_process_is_counted_and_not_timed() -> None:
    found = result(Verdict.REJECT)
    dead = found.end_to_end_results[1].model_copy(update={"seconds": 0.0, "died": True})
    row = function_rows(found.model_copy(update={"end_to_end_results": [dead]}))[-1]
    assert (row.name, row.calls, row.p50, row.verdict) == ("end to end", 1, None, "reject")


def test_without_samples_there_is_the_load_alone() -> None:
    assert [row.name for row in function_rows(result(Verdict.INCONCLUSIVE))] == ["model_fn"]


def test_numbers_are_read_easily() -> None:
    assert [seconds_text(one) for one in (None, 0.00012, 0.0094, 0.412, 1.24)] == [
        "-",
        "0.12 ms",
        "9.4 ms",
        "412 ms",
        "1.2 s",
    ]
    assert [bytes_text(one) for one in (None, 60 << 20)] == ["-", "60 MiB"]
    assert [size_text(one) for one in (412, 4_100_000, 2 * 10**9)] == ["0.4 kB", "4.1 MB", "2.0 GB"]


def test_lines_are_lines() -> None:
    found = result(Verdict.REJECT)
    lines = [line for fault in found.faults for line in fault_lines(fault)]
    assert lines[0].startswith("rejected: sample-fails: predict_fn answers 500: \\x1b[31m <b>")
    assert lines[1].startswith("  code/inference.py:41, sample one.json, row 2 of 3; ")
    assert lines[2].startswith("remark: charset: ")
    assert all(line.isprintable() for line in lines)
    assert one_line("a\r\n\tb\x07\u2028c é") == "a b\\x07 c é"
    assert headline(found, "m", 2).endswith("1 sample × 2 accept types")

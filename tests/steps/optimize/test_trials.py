"""Runs of a program side by side, measured. The programs are real."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.optimize.trials import Trial, rounds, run_program, same_results

HOLD = """
import json, os, time
held = bytearray(b'x') * (int(os.environ['SIZE']) * 2**20)
time.sleep(0.3)
print('said')
print(json.dumps([len(held) > 0]))
"""


def program(code: str, **variables: str) -> Trial:
    return run_program([sys.executable, "-c", code], variables)


def test_peak_seconds_and_results_of_a_program() -> None:
    found = program(HOLD, SIZE="100")
    assert 100 * 2**20 < found.peak < 125 * 2**20
    assert 0.3 < found.seconds < 10
    assert found.results == [True]


def test_the_processes_that_it_starts_count() -> None:
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {HOLD!r}])"
    assert program(code, SIZE="100").peak > 100 * 2**20


def test_a_program_that_crosses_its_memory_limit_was_killed_and_has_no_results() -> None:
    found = program(HOLD, SIZE="200", TRIAL_MEMORY_LIMIT="100Mi")
    assert (found.killed, found.results) == (True, None)
    within = program(HOLD, SIZE="50", TRIAL_MEMORY_LIMIT="100Mi")
    assert (within.killed, within.results) == (False, [True])


def test_half_a_core_makes_a_program_that_computes_slower() -> None:
    code = "import time\nwhile time.process_time() < 0.6: pass\nprint(1)"
    assert program(code, TRIAL_CPU_LIMIT="250m").seconds > 1.8
    assert "TRIAL_CPU_LIMIT" not in str(program("import json, os; print(json.dumps(list(os.environ)))").results)


@pytest.mark.parametrize("limit", ["lots", "0", "-1Gi", "NaN", "1e99"])
def test_a_limit_that_is_none(limit: str) -> None:
    with pytest.raises(BadInput, match="a limit cannot be"):
        program("print(1)", TRIAL_MEMORY_LIMIT=limit)


def test_what_a_trial_leaves_in_the_temporary_directory_is_removed() -> None:
    found = program("import json, tempfile; print(json.dumps(tempfile.mkdtemp()))")
    assert not Path(found.results).exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit('no model')", "exit code 1: no model"),
        ("print('{')", "printed no results"),
        ("", "no results"),
    ],
)
def test_a_program_that_fails(code: str, said: str) -> None:
    with pytest.raises(Broken, match=said):
        program(code)


def test_each_side_runs_once_in_each_round_and_once_more_before() -> None:
    seen: list[str] = []

    def run(variables: Any) -> Trial:
        seen.append(variables["side"])
        return Trial(len(seen), 1.0, None)

    counts: list[int] = []
    found = rounds(run, [{"side": one} for one in "abc"], 20, counts.append)
    assert seen[0] == "a"
    assert all(sorted(seen[at : at + 3]) == ["a", "b", "c"] for at in range(1, 61, 3))
    assert len({"".join(seen[at : at + 3]) for at in range(1, 61, 3)}) > 1
    assert [len(side) for side in found] == [20, 20, 20]
    assert counts == list(range(1, 61))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_a_result_equals_itself(value: Any) -> None:
    assert same_results(value, value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([0.1 + 0.2], [0.3], True),
        ([0.3], [0.3001], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False),
        (True, 1.0000001, False),
        ("a", "a", True),
    ],
)
def test_what_equal_results_are(one: Any, other: Any, same: bool) -> None:
    assert same_results(one, other) == same

"""A script of a pipeline: run once, under limits, with its outputs in a temporary directory."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from handler_code import MIB, running

from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.script import ScriptRun, run_script
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.pipeline_testing import ScriptExecutionSpec

FUNCTION = "def main(input_paths, output_paths, environ_vars, job_args):\n"
PROGRAM = """
import argparse, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=int)
print(parser.parse_args().factor, os.environ["COLOUR"])
with open(os.environ["OUT"], "a") as file:
    file.write("once\\n")
"""


def run(
    directory: Path, source: str, *, seconds: float = 20.0, watchdog: bool = False, **given: Any
) -> tuple[ScriptRun, dict[str, str]]:
    """The run of a script, and the texts of its output files by name."""
    script = directory / "script.py"
    script.write_text(source)
    spec = ScriptExecutionSpec(script_name="script", script_path=script, **{"output_paths": {"out": "o.txt"}, **given})
    limits = WorkerLimits(200 * MIB, 60.0, time.monotonic() + seconds, watchdog)
    with scratch(directory / "scratch") as temporary:
        done = run_script(spec, spec.input_paths, "", temporary, limits)
        texts = {name: path.read_text() for name, path in done.outputs.items() if path.is_file()}
    assert list((directory / "scratch").iterdir()) == []
    return done, texts


def test_its_function_main_gets_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,2\n")
    told = "json.dumps([open(input_paths['rows']).read(), job_args])"
    lines = f"    import json; open(output_paths['out'], 'w').write({told})"
    done, texts = run(
        tmp_path,
        f"def main(input_paths, output_paths, job_args):\n{lines}\nif __name__ == '__main__':\n    main(1, 2, 3)\n",
        input_paths={"rows": str(tmp_path / "in.csv")},
        job_args={"factor": 3},
    )
    assert done.success, done.error
    assert json.loads(texts["out"]) == ["1,2\n", {"factor": 3}]


def test_the_file_of_a_function_may_define_classes_that_look_up_their_module(tmp_path: Path) -> None:
    source = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    b: int\n"
    done, _ = run(tmp_path, source + FUNCTION + "    assert A(1).b == 1\n")
    assert done.success, done.error


def test_a_program_runs_once_with_its_arguments_and_variables(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    done, _ = run(tmp_path, PROGRAM, job_args={"factor": 3}, environ_vars={"COLOUR": "red", "OUT": str(out)})
    assert done.success, done.error
    assert out.read_text() == "once\n"


def test_an_output_that_is_a_directory_is_there(tmp_path: Path) -> None:
    line = "    open(output_paths['data'] + '/a.csv', 'w').write('1')\n"
    done, _ = run(tmp_path, FUNCTION + line, output_paths={"data": "test/output/processed"})
    assert done.success, done.error


BIG = "block = bytearray(900 << 20)\nimport time; time.sleep(0.3)"


@pytest.mark.parametrize(
    ("source", "said", "watchdog"),
    [
        ("import sys; sys.exit('no data')", "ended with exit code 1: no data", False),
        ("raise ValueError('bad row 7')", "ended with exit code 1: ValueError: bad row 7", True),
        ("def main(:", "SyntaxError", False),
        ("import os; os.kill(os.getpid(), 11)", "ended by SIGSEGV: it said nothing", False),
        (BIG, "killed above 200 MiB", False),
        (BIG, "killed above 200 MiB", True),
        ("import urllib.request; urllib.request.urlopen('http://192.0.2.1')", "Network is unreachable", False),
        ("\0", "source code", False),
    ],
)
def test_a_script_that_fails_says_why(tmp_path: Path, source: str, said: str, watchdog: bool) -> None:
    done, _ = run(tmp_path, source, watchdog=watchdog)
    assert not done.success
    assert said in done.error


def test_a_script_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}"
    source = (
        f"import subprocess, time\nsubprocess.Popen(['sleep', '300', ''], executable='sleep')\ntime.sleep(300) # {mark}"
    )
    source = source.replace("'sleep', '300', ''", f"'{mark}', '300'")
    done, _ = run(tmp_path, source, seconds=1.5)
    assert done.error == "it did not end within 1 s, the time that was left for the whole test"
    assert running(mark) == []


def test_a_flood_of_prints_is_not_kept(tmp_path: Path) -> None:
    source = (
        "import os\nfor _ in range(100): print('x' * (1 << 20))\nprint(sum(os.path.getsize(p) for p in os.listdir()))\n"
    )
    done, _ = run(tmp_path, source + "import sys; sys.exit('end')")
    assert done.error == "it ended with exit code 1: end"


def test_nothing_of_ours_is_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    done, texts = run(tmp_path, FUNCTION + "    import os; open(output_paths['out'], 'w').write(str(dict(os.environ)))")
    assert done.success, done.error
    assert "secret" not in texts["out"]
    assert "SCRIPT_VALUES" not in texts["out"]


def test_what_is_missing_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"rows .*gone\.csv does not exist"):
        run(tmp_path, "", input_paths={"rows": str(tmp_path / "gone.csv")})

"""The faults behind loads that fail and processes that end."""

from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.handlers.answer import Death, HandlerError, Loaded
from slipway_steps.domain.handler import Fault
from slipway_steps.handlers.load_diagnosis import death_fault, load_faults
from slipway_steps.handlers.source import Source, read_source

HANDLER = """import glob
import os
def model_fn(model_dir):
    assert os.path.exists(model_dir)
    path = glob.glob(model_dir + "/*.bin")
    return open(path[0])
def predict_fn(data, model):
    return None
"""


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(HANDLER)
    (tmp_path / "model.onnx").write_text("")
    return read_source(tmp_path)


def error(kind: str, message: str, line: int = 6, function: str = "model_fn", **more: Any) -> HandlerError:
    return HandlerError(function, kind, message, (("inference.py", line, function),) if line else (), **more)


def of(tmp_path: Path, source: Source, loaded: Loaded) -> Fault:
    (fault,) = load_faults(loaded, tmp_path, source)
    return fault


FILE = {"filename": "/w/package/a.pkl"}


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (error("FileNotFoundError", "no", **FILE), "model-missing", 6),
        (error("IndexError", "list index out of range"), "model-missing", 6),
        (error("AssertionError", "", 4), "model-missing", 4),
        (error("XGBoostError", "Opening a.bst failed: No such file or directory"), "model-missing", 6),
        (error("TypeError", "join() argument must be str, not 'NoneType'"), "model-missing", 6),
        (error("KeyError", "'w is not a file in the archive'"), "model-raises", 6),
        (error("RuntimeError", "boo", 6, cause=error("FileNotFoundError", "x", **FILE)), "model-missing", 6),
        (error("RuntimeError", "boo", 6, "model_warmup_fn"), "model-raises", 6),
        (error("KeyError", "'A'", 2, ""), "import-raises", 2),
        (error("ModuleNotFoundError", "No module named 'a'", 2, "", bases=("ImportError",)), "import-missing", 2),
        (error("RuntimeError", "a", 6, cause=error("ImportError", "b", 5)), "import-missing", 5),
        (error("IndentationError", "unexpected indent", 2, "", bases=("SyntaxError",)), "syntax", 2),
        (error("OutOfMemory", "no", bases=("MemoryError",)), "memory", 6),
        (error("URLError", "<urlopen error Network is unreachable>"), "downloads", 6),
        (error("FileNotFoundError", "no", filename="/opt/ml/model/a.pkl"), "fixed-path", 6),
        (error("NotImplementedError", "Please provide a model_fn implementation.", 0), "no-model-fn", 1),
        (error("TypeError", "model_fn takes 0 arguments but 1 were given.", 0), "arity", 3),
        (error("TypeError", "3 is not a callable object", 0), "not-callable", 3),
    ],
)
def test_an_error_of_the_load_is_named(
    tmp_path: Path, source: Source, raised: HandlerError, code: str, line: int
) -> None:
    fault = of(tmp_path, source, Loaded(False, 0.1, error=raised))
    assert (fault.code, fault.place.line if fault.place else None) == (code, line)


def test_what_is_there_instead_and_how_it_is_loaded_are_told(tmp_path: Path, source: Source) -> None:
    fault = of(tmp_path, source, Loaded(False, 0.1, error=error("FileNotFoundError", "no", **FILE)))
    assert "looks for a.pkl; the package has model.onnx; ONNX Runtime: onnxruntime.InferenceSession(" in fault.message


def test_loads_that_succeed_may_have_a_fault(tmp_path: Path, source: Source) -> None:
    assert of(tmp_path, source, Loaded(True, 0.1, "NoneType")).code == "model-none"
    fault = of(tmp_path, source, Loaded(True, 0.1, "X", connections=("a:1", "a:1")))
    assert (fault.code, fault.message) == ("downloads", "loading opened a connection to a:1")
    assert list(load_faults(Loaded(True, 0.1, "X"), tmp_path, source)) == []


PYTHON = """hello
Traceback (most recent call last):
  File "/s/handler_child.py", line 9, in serve
  File "/w/package/code/inference.py", line 6, in model_fn
  File "/w/package/code/inference.py", line 8, in predict_fn
SystemExit: 3
"""
CRASH = """hello
Fatal Python error: Segmentation fault

Current thread 0x00007 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 518 in string_at
  File "/w/package/code/inference.py", line 8 in predict_fn
  File "/s/handler_child.py", line 9 in serve

Extension modules: numpy
"""


@pytest.mark.parametrize(
    ("last", "line", "said"),
    [
        (PYTHON, 8, "predict_fn: gone; it said last: hello"),
        (CRASH, 8, "predict_fn: gone; it said last: hello"),
        ("only text", 3, "model_fn: gone; it said last: only text"),
        ("", 3, "model_fn: gone"),
    ],
)
def test_the_line_where_a_process_ended_is_told(source: Source, last: str, line: int, said: str) -> None:
    fault = death_fault(Death("exit", "gone", last), "model_fn", source)
    assert (fault.code, fault.place.line if fault.place else None, fault.message) == ("exit", line, said)


@pytest.mark.parametrize("reason", ["memory", "timeout"])
def test_deaths_by_limits_have_their_own_names(source: Source, reason: str) -> None:
    assert death_fault(Death(reason, "gone"), "", source).code == reason

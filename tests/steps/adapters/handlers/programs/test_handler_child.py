"""The program that runs a handler answers by lines on its pipes, and what the handler prints goes elsewhere."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from handler_code import body, code_package
from handler_programs import PROGRAMS

from slipway_steps.adapters.handlers.process import plain_environment
from slipway_steps.adapters.handlers.programs.handler_wire import LARGEST

JSON = "application/json"
LARGE = 3 << 20
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """ask(do=..., ...): the lines that answer a request, of one program whose handler is loaded."""
    directory = tmp_path_factory.mktemp("child")
    package = code_package(
        directory / "package",
        predict_fn=body("print('printed')", f"if data == [3]: return 'x' * {LARGE}"),
        output_fn="def output_fn(prediction, accept):\n    return json.dumps(prediction), accept",
    )
    (directory / "tmp").mkdir()
    requests, send = os.pipe()
    read, results = os.pipe()
    process = subprocess.Popen(
        [sys.executable, str(PROGRAMS / "handler_child.py"), str(package), str(requests), str(results)],
        env={**plain_environment(directory), "PYTHONPATH": str(package / "code")},
        pass_fds=(requests, results),
        stdout=subprocess.DEVNULL,
    )
    os.close(requests)
    os.close(results)
    with os.fdopen(send, "w") as out, os.fdopen(read) as lines:

        def answer() -> list[dict[str, Any]]:
            found = [json.loads(lines.readline())]
            while not found[-1].get("done"):
                found.append(json.loads(lines.readline()))
            return found

        def asked(**request: Any) -> list[dict[str, Any]]:
            out.write(json.dumps(request) + "\n")
            out.flush()
            return answer()

        assert answer() == [{"done": True}], "it says when it is ready"
        (loaded,) = asked(do="load")
        assert (loaded["loaded"], loaded["model"], loaded["error"]) == (True, "int", None)
        yield asked
    assert process.wait(10) == 0, "without further requests it ends"


def sent(data: str, **more: Any) -> dict[str, Any]:
    return {
        "id": data[:9],
        "content_type": JSON,
        "accept": JSON,
        "body": base64.b64encode(data.encode()).decode(),
        **more,
    }


def test_each_answer_ends_with_a_line_that_says_so(ask: Ask) -> None:
    first, second, done = ask(do="send", requests=[sent("[1]"), sent("[2, 5]")])
    assert [one["id"] for one in (first, second)] == ["[1]", "[2, 5]"]
    assert [base64.b64decode(one["body"]) for one in (first, second)] == [b"[2]", b"[4, 10]"]
    assert done == {"done": True}
    assert ask(do="send", requests=[]) == [{"done": True}]


def test_of_a_large_answer_the_start_and_the_hash_of_all_are_told(ask: Ask) -> None:
    answer, _ = ask(do="send", requests=[sent("[3]")])
    whole = json.dumps("x" * LARGE).encode()
    assert answer["size"] == len(whole)
    assert answer["sha256"] == hashlib.sha256(whole).hexdigest()
    assert base64.b64decode(answer["body"]) == whole[: 1 << 20]


def test_a_request_that_is_too_large_never_reaches_the_handler(ask: Ask) -> None:
    answer, _ = ask(do="send", requests=[sent("1" * (LARGEST + 1))])
    assert (answer["status"], answer["calls"], answer["size"]) == (413, [], 0)


def test_a_body_that_cannot_be_read_is_told_and_the_next_request_is_answered(ask: Ask, tmp_path: Path) -> None:
    request = {"id": "a", "content_type": JSON, "accept": JSON, "path": str(tmp_path / "gone")}
    (told,) = ask(do="send", requests=[request, sent("[1]")])
    assert told == {"done": True, "unreadable": f"{tmp_path}/gone: No such file or directory"}
    assert len(ask(do="send", requests=[sent("[1]")])) == 2


def test_an_error_is_told_with_its_function_and_only_once(ask: Ask) -> None:
    failed, good, _ = ask(do="send", requests=[sent("{"), sent("[1]")])
    assert (failed["status"], failed["error"]["function"]) == (500, "input_fn")
    assert good["error"] is None


def test_the_handler_and_its_python_are_described(ask: Ask) -> None:
    (described,) = ask(do="describe")
    assert described["functions"].keys() == {"model_fn", "input_fn", "predict_fn", "output_fn"}
    assert described["functions"]["model_fn"]["file"] == "inference.py"
    (told,) = ask(do="missing", modules=["json", "inference", "no_such_module"])
    assert told["missing"] == ["no_such_module"], "code/ is on the path"
    assert ask(do="toolkit")[0]["sagemaker_inference"] == "1.10.1"
    assert ask(do="model")[0]["model"]["names"] == []


def test_what_makes_a_request_work_is_told(ask: Ask) -> None:
    assert ask(do="retry", request=sent("[1]")) == [{"done": True, "works": []}]


def test_no_further_worker_is_forked_without_its_pipes(ask: Ask) -> None:
    assert ask(do="fork") == [{"done": True, "forked": 0}]
    assert len(ask(do="send", requests=[sent("[1]")])) == 2

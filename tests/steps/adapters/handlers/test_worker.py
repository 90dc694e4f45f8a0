"""The worker: one load for all that is asked, and a new process after each death."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from handler_code import MIB, answers, body, code_package, handler_worker, request

from slipway_steps.adapters.handlers.process import OutOfTime
from slipway_steps.domain.handler import JSON

GOOD, DOUBLED = "[1, 2]", [2, 4]
KILL = "[666]"
SEGFAULT = "import ctypes; ctypes.string_at(0)"


def sample(directory: Path, name: str, text: str) -> dict[str, str]:
    path = directory / name
    path.write_text(text)
    return {"name": name, "path": str(path), "content_type": JSON, "accept": ""}


def test_one_load_serves_functions_and_requests(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    with handler_worker(package) as worker:
        loaded = worker.load()
        alone = worker.functions([sample(tmp_path, "one", GOOD)], [JSON])
        sent = worker.send([request("a"), request("b", "[5]")])
        assert worker.loads == 1
    assert (loaded.loaded, loaded.model_type) == (True, "int")
    assert [one.function for one in alone] == ["input_fn", "predict_fn", "output_fn"]
    assert all(one.success for one in alone)
    assert [json.loads(one.body) for one in sent] == [DOUBLED, [10]]
    assert [call.function for call in sent[0].calls] == ["input_fn", "predict_fn", "output_fn", "transform_fn"]


def test_a_function_whose_predecessor_failed_takes_what_another_sample_led_to(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    samples = [sample(tmp_path, "broken", "{"), sample(tmp_path, "good", GOOD)]
    with handler_worker(package) as worker:
        worker.load()
        told = {(one.function, one.sample): one for one in worker.functions(samples, [JSON])}
    assert not told["input_fn", "broken"].success
    assert told["predict_fn", "broken"].success
    assert told["output_fn", "broken"].success


def test_what_no_sample_leads_to_is_not_reached(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    with handler_worker(package) as worker:
        worker.load()
        told = {one.function: one for one in worker.functions([sample(tmp_path, "broken", "{")], [JSON])}
    assert told["input_fn"].error is not None
    assert told["predict_fn"].not_reached
    assert told["output_fn"].not_reached


def test_what_follows_a_death_in_a_function_is_not_reached_and_the_next_worker_answers(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("if data == [666]: os._exit(3)"))
    samples = [sample(tmp_path, "good", GOOD), sample(tmp_path, "kills", KILL)]
    with handler_worker(package) as worker:
        worker.load()
        told = {(one.function, one.sample): one for one in worker.functions(samples, [JSON])}
        (after,) = worker.send([request("after")])
    death = told["predict_fn", "kills"].death
    assert death is not None
    assert death.detail == "ended with exit code 3"
    assert told["predict_fn", "good"].success
    assert told["output_fn", "good"].not_reached
    assert json.loads(after.body) == DOUBLED


@pytest.mark.parametrize(
    ("line", "reason", "detail", "watchdog"),
    [
        ("sys.exit('enough')", "exit", "ended with exit code 1", False),
        ("os._exit(7)", "exit", "ended with exit code 7", True),
        (SEGFAULT, "exit", "ended by SIGSEGV", False),
        ("os.kill(os.getpid(), 9)", "exit", "ended by SIGKILL", True),
        ("time.sleep(30)", "timeout", "no answer within 1 s", False),
        ("block = bytearray(900 << 20)", "memory", "killed above 200 MiB", False),
        ("block = bytearray(900 << 20)", "memory", "killed above 200 MiB", True),
    ],
)
def test_after_a_death_a_new_worker_answers(
    tmp_path: Path, line: str, reason: str, detail: str, watchdog: bool
) -> None:
    # the watchdog measures every 50 ms: what takes the memory has to live longer than that
    package = code_package(tmp_path / "package", predict_fn=body(f"if data == [666]: {line}; time.sleep(0.3)"))
    before, killed, after = answers(package, GOOD, KILL, GOOD, memory=200 * MIB, seconds=1.0, watchdog=watchdog)
    assert killed.death is not None
    assert (killed.death.reason, killed.death.detail) == (reason, detail)
    assert killed.status == 500
    assert json.loads(before.body) == json.loads(after.body) == DOUBLED


def test_after_three_deaths_the_rest_is_not_sent_and_has_no_answer(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("if data == [666]: os._exit(3)"))
    sent = answers(package, GOOD, KILL, KILL, KILL, GOOD, KILL)
    assert [bool(one.death) for one in sent] == [False, True, True, True, False, False]
    assert [one.not_sent for one in sent] == [""] * 4 + ["not sent, after 3 requests that ended the process"] * 2
    assert [(one.status, one.body, one.reason, one.died, one.ok) for one in sent[4:]] == [
        (0, b"", "", False, False)
    ] * 2


def test_a_death_during_the_load_is_told_and_no_request_is_answered(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="def model_fn(model_dir):\n    os._exit(4)")
    with handler_worker(package) as worker:
        loaded = worker.load()
        assert worker.describe() == {}
        (answer,) = worker.send([request("a")])
    assert loaded.death is not None
    assert loaded.death.detail == "ended with exit code 4"
    assert (answer.status, answer.no_answer) == (0, "no worker loads the model: ended with exit code 4")


def test_a_fork_that_keeps_the_pipes_open_does_not_hide_a_death(tmp_path: Path) -> None:
    package = code_package(
        tmp_path / "package",
        model_fn="def model_fn(model_dir):\n    if os.fork() == 0: time.sleep(300)\n    return 2",
        predict_fn=body("os._exit(5)"),
    )
    started = time.monotonic()
    (answer,) = answers(package, GOOD)
    assert answer.death is not None
    assert answer.death.detail == "ended with exit code 5"
    assert time.monotonic() - started < 10, "the death was only noticed when the time for a request was over"


def test_a_fork_that_goes_on_answers_nothing(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("os.fork()"))
    with handler_worker(package) as worker:
        worker.load()
        first = worker.send([request("a", "[1]")])
        time.sleep(0.2)
        second = worker.send([request("b", "[2]"), request("c", "[3]")])
        told = [json.loads(one.body) for one in (*first, *second)]
    assert told == [[2], [4], [6]]


def test_several_workers_share_one_load(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("time.sleep(0.1); return [os.getpid()]"))
    with handler_worker(package, workers=2) as worker:
        worker.load()
        sent = worker.send([request(str(number)) for number in range(6)], side_by_side=True)
        assert worker.loads == 1
    assert len({answer.text for answer in sent}) == 2
    assert [answer.id for answer in sent] == [str(number) for number in range(6)]


def test_a_death_while_several_workers_answer_names_the_request_at_fault(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("time.sleep(0.05)", "if data == [666]: os._exit(6)"))
    bodies = ["[1]", KILL, "[2]", "[3]", KILL, "[4]"]
    started = time.monotonic()
    with handler_worker(package, workers=3) as worker:
        worker.load()
        sent = worker.send([request(str(n), one) for n, one in enumerate(bodies)], side_by_side=True)
    assert [bool(answer.death) for answer in sent] == [one == KILL for one in bodies]
    assert [json.loads(answer.body) for answer in sent if not answer.death] == [[2], [4], [6], [8]]
    assert all(answer.death.detail == "ended with exit code 6" for answer in sent if answer.death)
    assert time.monotonic() - started < 15


def test_threads_make_each_worker_load_the_model_itself(tmp_path: Path) -> None:
    package = code_package(
        tmp_path / "package",
        model_fn="import threading\ndef model_fn(model_dir):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    return 2",
        predict_fn=body("time.sleep(0.1); return [os.getpid()]"),
    )
    with handler_worker(package, workers=2) as worker:
        worker.load()
        sent = worker.send([request(str(number)) for number in range(4)], side_by_side=True)
        assert worker.loads == 2
    assert len({answer.text for answer in sent}) == 2


@pytest.mark.acceptance
def test_the_growth_of_memory_is_measured_and_a_death_meanwhile_gives_no_windows(tmp_path: Path) -> None:
    package = code_package(
        tmp_path / "package",
        head="import json, os\nKEPT = []",
        predict_fn=body("if data == [666]: os._exit(1)", "KEPT.append(bytes(10000))"),
    )
    with handler_worker(package) as worker:
        worker.load()
        growth = worker.grow(request("g"), 2, 5, 5.0)
        death = worker.grow(request("g", KILL), 2, 5, 5.0)
        (after,) = worker.send([request("after")])
    assert growth.requests >= 5
    assert all(grown >= 10000 * growth.requests for grown in growth.python)
    assert growth.largest is not None
    assert growth.largest[0] == "inference.py"
    assert (death.requests, death.python) == (0, [])
    assert json.loads(after.body) == DOUBLED


def test_code_is_read_anew_and_the_model_stays(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="def model_fn(model_dir):\n    return [os.getpid()]")
    with handler_worker(package) as worker:
        worker.load()
        code_package(package, predict_fn=body("return model"), model_fn="def model_fn(model_dir):\n    return 5")
        assert worker.reload(worker.limits)
        (told,) = worker.send([request("a")])
        assert json.loads(told.body) == [worker.process.process.pid]
        assert worker.loads == 1


@pytest.mark.parametrize("head", ["def broken(:", "import no_such_module", "import sys; sys.exit(1)"])
def test_code_that_cannot_be_imported_is_not_read_anew(tmp_path: Path, head: str) -> None:
    package = code_package(tmp_path / "package")
    with handler_worker(package) as worker:
        worker.load()
        code_package(package, head=head)
        assert not worker.reload(worker.limits)


def test_several_workers_read_code_anew(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    with handler_worker(package, workers=2) as worker:
        worker.load()
        requests = [request(str(number)) for number in range(4)]
        worker.send(requests, side_by_side=True)
        code_package(package, predict_fn=body("return 7"))
        assert worker.reload(worker.limits)
        assert {answer.text for answer in worker.send(requests, side_by_side=True)} == {"7"}


def test_a_process_that_ends_between_requests_is_replaced(tmp_path: Path) -> None:
    with handler_worker(code_package(tmp_path / "package"), workers=2) as worker:
        worker.load()
        worker.process.process.kill()
        sent = worker.send([request("a"), request("b")], side_by_side=True)
        assert worker.loads == 2
    assert [json.loads(one.body) for one in sent] == [DOUBLED, DOUBLED]


def test_a_death_over_a_question_is_no_answer_to_it(tmp_path: Path) -> None:
    package = code_package(
        tmp_path / "package",
        head="import json, os, time\nclass Model(int):\n    @property\n    def shape(self): os._exit(3)",
        model_fn="def model_fn(model_dir):\n    return Model(2)",
        predict_fn=body("if data == [666]: os._exit(3)"),
    )
    with handler_worker(package) as worker:
        worker.load()
        assert worker.model() == {}
        assert worker.retry(request("a", KILL)) == []
        (after,) = worker.send([request("after")])
        assert worker.loads == 3
    assert json.loads(after.body) == DOUBLED


def test_a_load_that_lasts_longer_than_the_whole_test_is_late(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="def model_fn(model_dir):\n    time.sleep(60)")
    with handler_worker(package) as worker:
        limits = replace(worker.limits, until=time.monotonic() + 0.3, request_timeout=0.2)
        worker.limits = worker.process.limits = limits
        loaded = worker.load()
    assert loaded.death is not None
    assert (loaded.loaded, loaded.death.reason) == (False, "timeout")
    assert loaded.death.detail.startswith("the model is not loaded after ")


def test_a_test_that_has_no_time_for_a_load_says_nothing_of_the_model(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="def model_fn(model_dir):\n    time.sleep(60)")
    with handler_worker(package) as worker:
        worker.limits = worker.process.limits = replace(worker.limits, until=time.monotonic() + 0.3)
        with pytest.raises(OutOfTime, match="the time for the whole test is over"):
            worker.load()


PYTORCH = """
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
class DefaultPytorchInferenceHandler(DefaultInferenceHandler):
    def default_model_fn(self, model_dir): return 2.5
"""


def test_where_the_python_brings_pytorch_s_container_its_defaults_are_used(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", model_fn="")
    container = package / "code" / "sagemaker_pytorch_serving_container"
    container.mkdir()
    (container / "__init__.py").write_text("")
    (container / "default_pytorch_inference_handler.py").write_text(PYTORCH)
    with handler_worker(package) as worker:
        assert worker.toolkit()["flavour"] == "pytorch"
        assert worker.load().model_type == "float"

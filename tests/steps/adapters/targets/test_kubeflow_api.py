"""How the API of Kubeflow Pipelines is called: what is sent again and what never, and what becomes of its failures."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from steps.adapters.targets.pipelines import SESSION, compiled, scenario

from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.adapters.targets.kubeflow import KubeflowTarget
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.settings import Settings

pytest.importorskip("kfp_server_api", reason="kfp-server-api is not installed (pip install -e .[kfp])")
if TYPE_CHECKING:
    from kubeflow_server import Kubeflow


def target_at(server: "Kubeflow", attempts: int = 3, **settings: Any) -> KubeflowTarget:
    return KubeflowTarget(Settings(kfp_url=server.url, **settings), RetryPolicy(attempts=attempts, first_wait=0.01))


def prepared(server: "Kubeflow", tmp_path: Path, **settings: Any) -> KubeflowTarget:
    target = target_at(server, **settings)
    target.prepare(SESSION, scenario(), compiled(tmp_path))
    return target


def slowly(seconds: float) -> int:
    time.sleep(seconds)
    return 0


def test_one_503_costs_no_session(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def first_time(method: str, path: str) -> int:
        created = method == "POST" and path.endswith("runs")
        asked[f"{method} {path}"] += not created
        return 503 if asked[f"{method} {path}"] == 1 else 0

    kubeflow.trouble = first_time
    target = prepared(kubeflow, tmp_path)
    assert "2.17.0" in target.version
    run, endless = target.submit({}), target.submit({"seconds": "600"})
    assert target.wait(run, time.time() + 10)
    assert target.read(run).outcome is RunOutcome.SUCCEEDED
    target.stop(endless)
    assert target.wait(endless, time.time() + 10)
    target.firings(target.schedule(60, {}))
    assert [run.outcome for run in target.finished(0)] == [RunOutcome.SUCCEEDED, RunOutcome.UNFINISHED]
    target.remove(SESSION)
    assert not any(kubeflow.objects.values())


def test_a_measured_request_is_never_sent_again(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = prepared(kubeflow, tmp_path)
    kubeflow.requests.clear()
    kubeflow.trouble = lambda method, path: 503
    assert target.get("list-runs") == 503
    assert kubeflow.requests == ["GET /apis/v2beta1/runs"]


def test_what_would_make_a_second_run_is_sent_once(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = prepared(kubeflow, tmp_path)
    kubeflow.trouble = lambda method, path: 503 if (method, path) == ("POST", "/apis/v2beta1/runs") else 0
    with pytest.raises(PlatformError, match="status 503"):
        target.submit({})
    assert kubeflow.requests.count("POST /apis/v2beta1/runs") == 1


@pytest.mark.parametrize("made", [True, False])
def test_an_experiment_whose_answer_was_lost_costs_no_run(kubeflow: "Kubeflow", tmp_path: Path, made: bool) -> None:
    answers = iter([503])

    def lost(method: str, path: str) -> int:
        if (method, path) != ("POST", "/apis/v2beta1/experiments") or not (status := next(answers, 0)):
            return 0
        if made:
            kubeflow.create("experiments", {"display_name": SESSION})
        return status

    target = prepared(kubeflow, tmp_path)
    kubeflow.trouble = lost
    run = target.submit({})
    (home,) = kubeflow.objects["experiments"]
    assert kubeflow.objects["runs"][run]["experiment_id"] == home


def test_what_the_server_refuses_is_bad_input(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = prepared(kubeflow, tmp_path)
    kubeflow.trouble = lambda method, path: 400 if (method, path) == ("POST", "/apis/v2beta1/runs") else 0
    with pytest.raises(BadInput, match="told 400"):
        target.submit({})


def test_a_server_that_does_not_answer_is_not_waited_for(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = target_at(kubeflow, attempts=1, kubernetes_timeout=0.2)
    kubeflow.trouble = lambda method, path: slowly(2)
    began = time.monotonic()
    with pytest.raises(PlatformError, match="Timeout"):
        target.prepare(SESSION, scenario(), compiled(tmp_path))
    with pytest.raises(PlatformError, match="Timeout"):
        target.get("list-runs")
    assert time.monotonic() - began < 1.5


def test_the_version_is_that_of_the_server(kubeflow: "Kubeflow") -> None:
    target = target_at(kubeflow)
    assert target.version == "Kubeflow Pipelines 2.17.0, API v2beta1"
    kubeflow.health = {"commit_sha": "8c0b9c2", "tag_name": "unknown", "multi_user": False}
    assert target.version == "Kubeflow Pipelines 8c0b9c2, API v2beta1"
    kubeflow.health = {"multi_user": False}
    assert target.version == "Kubeflow Pipelines of unknown version, API v2beta1"


def test_runs_at_a_time_share_one_experiment(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = prepared(kubeflow, tmp_path)
    kubeflow.trouble = lambda method, path: slowly(0.1 if path == "/apis/v2beta1/experiments" else 0)
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: target.submit({}), range(8)))
    (home,) = kubeflow.objects["experiments"]
    assert {kubeflow.objects["runs"][run]["experiment_id"] for run in runs} == {home}


def test_a_schedule_asks_for_as_many_runs_at_a_time_as_the_server_takes(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    schedule = prepared(kubeflow, tmp_path).schedule(60, {})
    assert kubeflow.objects["recurringruns"][schedule]["max_concurrency"] == "10"


def test_what_cannot_be_removed_keeps_nothing_else_and_is_named(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    target = prepared(kubeflow, tmp_path)
    first, stuck, last = (target.submit({"seconds": "600"}) for _ in range(3))
    target.schedule(60, {})
    kubeflow.trouble = lambda method, path: 500 if method == "DELETE" and stuck in path else 0
    with pytest.raises(PlatformError, match=stuck) as raised:
        target.remove(SESSION)
    assert first not in str(raised.value)
    assert last not in str(raised.value)
    assert list(kubeflow.objects["runs"]) == [stuck]
    assert not kubeflow.objects["recurringruns"]
    kubeflow.trouble = lambda method, path: 0
    assert target.remove(SESSION) == [f"run {stuck}", f"experiment {SESSION}"]
    assert not any(kubeflow.objects.values())

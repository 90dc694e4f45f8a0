"""What every target keeps: one suite over all of them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from steps.adapters.targets.pipelines import SESSION, compiled, scenario, two_steps

from slipway_steps.adapters.targets.choice import make_target
from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_steps.domain.perf_metrics import END_TO_END, METRICS
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.perf_ports import Target
from slipway_steps.settings import Settings

REFUSALS = (BadInput, WorkflowInvalid)


class Case:
    """A target, and a pipeline that it runs."""

    def __init__(self, target: Target, pipeline: Path, other: Path) -> None:
        self.target = target
        self.pipeline = pipeline
        self.other = other

    def prepared(self, **more: Any) -> Target:
        self.target.prepare(SESSION, scenario(**more), self.pipeline)
        return self.target


@pytest.fixture(params=["local", "argo", "kfp", "kfp with its pods"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    pipelines = two_steps(tmp_path), compiled(tmp_path)
    if request.param == "local":
        case = Case(make_target("local", Settings(home=tmp_path / "home")), *pipelines)
    elif request.param.startswith("kfp"):
        pytest.importorskip("kfp_server_api", reason="kfp-server-api is not installed (pip install -e .[kfp])")
        settings = {"kfp_url": request.getfixturevalue("kubeflow").url}
        if request.param != "kfp":
            kubeconfig = request.getfixturevalue("kubeflow_pods").objects.kubeconfig(tmp_path / "kubeconfig")
            settings |= {"KUBECONFIG": str(kubeconfig), "kfp_pods_namespace": "kubeflow"}
        case = Case(make_target("kfp", Settings(**settings)), *reversed(pipelines))
    else:
        make: Callable[[], Target] = request.getfixturevalue("argo_target")
        case = Case(make(), *pipelines)
    yield case
    case.target.remove(SESSION)


def test_the_pipeline_of_another_target_is_refused_in_one_line(case: Case) -> None:
    with pytest.raises(REFUSALS) as raised:
        case.target.prepare(SESSION, scenario(), case.other)
    assert "\n" not in str(raised.value)


def test_a_parameter_that_the_pipeline_does_not_have_is_refused(case: Case) -> None:
    with pytest.raises(REFUSALS, match="sconds"):
        case.prepared(parameters={"sconds": "1"})


def test_a_run_that_succeeds_is_measured(case: Case) -> None:
    target = case.prepared(parameters={"seconds": "0.3"})
    before = time.time()
    run = target.submit({})
    assert target.wait(run, time.time() + 60)
    took = time.time() - before
    sample = target.read(run)
    assert sample.run == run
    assert sample.outcome is RunOutcome.SUCCEEDED
    assert 0.6 <= sample.metrics[END_TO_END] <= took
    assert set(sample.components) == {"first", "second"}
    assert {phase.component for phase in sample.phases} >= {"first", "second"}
    assert before - 1 <= sample.started <= before + took


def test_what_was_not_measured_is_named_and_absent(case: Case) -> None:
    target = case.prepared()
    run = target.submit({})
    target.wait(run, time.time() + 60)
    measured, named = set(target.read(run).metrics), set(target.unmeasured)
    assert measured | named == set(METRICS)
    assert not measured & named
    assert all(target.unmeasured.values())


def test_a_run_that_fails_is_told_from_one_that_did_not_end(case: Case) -> None:
    target = case.prepared()
    failing, endless = target.submit({"code": "3"}), target.submit({"seconds": "600"})
    assert target.wait(failing, time.time() + 60)
    assert not target.wait(endless, time.time() + 0.2)
    assert target.read(failing).outcome is RunOutcome.FAILED
    assert target.read(endless).outcome is RunOutcome.UNFINISHED
    target.stop(endless)
    assert target.wait(endless, time.time() + 60), "it has ended"
    assert target.read(endless).outcome is RunOutcome.UNFINISHED
    target.stop(failing)  # has ended: left as it is
    assert target.read(failing).outcome is RunOutcome.FAILED


def test_removal_removes_all_of_a_session_and_twice_is_no_error(case: Case) -> None:
    target = case.prepared()
    run = target.submit({"seconds": "600"})
    assert any(run in name or SESSION in name for name in target.remove(SESSION))
    assert list(target.remove(SESSION)) == []


def test_removal_leaves_other_sessions_alone(case: Case) -> None:
    target = case.prepared()
    run = target.submit({"seconds": "0.2"})
    assert list(target.remove("perf-other")) == []
    assert target.wait(run, time.time() + 60)
    assert target.read(run).outcome is RunOutcome.SUCCEEDED


def test_its_requests_only_read(case: Case) -> None:
    target = case.prepared()
    operations = target.operations
    if not operations:
        pytest.skip("this target sends no requests yet")
    for operation in operations:
        assert 200 <= target.get(operation) < 400
    pool = target.pool()
    # the local target reads a database here, and not a server
    assert set(pool) == (set() if target.name == "local" else {"requests", "connections", "connections kept"})
    assert all(value >= 1 for value in pool.values())


def test_a_schedule_fires_until_it_is_removed(case: Case) -> None:
    target = case.prepared()
    try:
        schedule = target.schedule(1, {})
    except NotImplementedError:
        pytest.skip("this target has no schedules yet")
    end = time.time() + 30
    while len([one for one in target.firings(schedule) if one.started]) < 3 and time.time() < end:
        time.sleep(0.2)
    fired = [one for one in target.firings(schedule) if one.started]
    assert len(fired) >= 3
    assert all(one.lateness is not None and one.lateness < 5 for one in fired)
    assert target.remove(SESSION)
    assert list(target.remove(SESSION)) == []


def test_it_names_itself_and_its_version(case: Case) -> None:
    assert case.target.name in ("local", "argo", "kfp")
    assert any(character.isdigit() for character in case.target.version)

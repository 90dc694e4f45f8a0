"""The sample of a workflow that Argo has stored: whole seconds, pods, attempts, and nodes that are compressed."""

import base64
import gzip
import itertools
import json
from typing import Any

import pytest

from slipway_steps.adapters.targets.argo_sample import sample_of
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.domain.perf_blanks import BLANKS
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.perf.observe import observe


def at(second: int) -> str:
    return f"2026-11-21T10:00:{second:02}Z"


def node(name: str, start: int, end: int, kind: str = "Pod") -> dict[str, Any]:
    return {"displayName": name, "type": kind, "startedAt": at(start), "finishedAt": at(end), "phase": "Succeeded"}


NODES = {
    "r": node("release", 3, 50, "Steps"),
    "a": node("load", 3, 10),
    "b": node("train(0)", 20, 30),
    "c": node("train(1)", 30, 41),
    "d": node("never", 41, 41, "Skipped"),
}


def workflow(**status: Any) -> dict[str, Any]:
    told = {"phase": "Succeeded", "startedAt": at(2), "finishedAt": at(45), "nodes": NODES, **status}
    metadata = {"name": "two-steps-x7k2p", "creationTimestamp": at(0), "generateName": "two-steps-"}
    return {"metadata": metadata, "status": told}


def test_it_tells_components_queue_and_gaps() -> None:
    found = sample_of(workflow())
    assert found.components == {"load": 7, "train": 21}
    assert found.metrics == {"end-to-end": 45, "queue": 2, "between-steps": 10}
    assert (found.pipeline, found.outcome) == ("two-steps", RunOutcome.SUCCEEDED)


def test_an_approval_and_the_backoff_of_a_retry_are_no_gaps() -> None:
    nodes = {
        "a": node("load", 3, 10),
        "s": node("approve", 12, 29, "Suspend"),
        "t": {**node("train", 31, 45, "Retry"), "children": ["t1", "t0"]},
        "t0": node("train(0)", 31, 33),
        "t1": node("train(1)", 40, 41),
        "l": node("wait-for-people", 44, 50, "Suspend"),
    }
    found = sample_of(workflow(nodes=nodes))
    assert found.metrics["between-steps"] == 2 + 2, "before and after the approval"
    gaps = [(phase.start, phase.end) for phase in found.phases if phase.name == "between-steps"]
    assert gaps == [(10, 12), (29, 31)]
    assert observe([found])[0].blanks["between-steps"] == 4


@pytest.mark.parametrize("suffix", ["", "(1)"])
def test_an_entrypoint_that_is_a_pod_is_the_same_step_in_each_run(suffix: str) -> None:
    samples = []
    for run in ("hello-world-x7k2p", "hello-world-9qzlt"):
        nodes = {
            run: {**node(f"{run}{suffix}", 3, 10), "name": f"{run}{suffix}", "templateName": "hello-world"},
            "e": {**node(f"{run}.onExit", 10, 12), "templateRef": {"name": "shared", "template": "clean"}},
        }
        found = workflow(nodes=nodes)
        found["metadata"]["name"] = run
        samples.append(sample_of(found))
    assert [sample.components for sample in samples] == [{"hello-world": 7, "clean": 2}] * 2
    assert observe(samples)[0].components == {"hello-world": 7, "clean": 2}


def test_the_clock_of_the_client_goes_before_whole_seconds() -> None:
    assert sample_of(workflow(), submitted=1000.25, ended=1044.75).metrics["end-to-end"] == 44.5


def test_compressed_nodes_are_read() -> None:
    packed = base64.b64encode(gzip.compress(json.dumps(NODES).encode())).decode()
    assert sample_of(workflow(nodes=None, compressedNodes=packed)).components == {"load": 7, "train": 21}


def test_nodes_in_a_database_are_not_measured_and_not_0() -> None:
    found = sample_of(workflow(nodes=None, offloadNodeStatusVersion="fnv:1"))
    assert found.components == {}
    assert "between-steps" not in found.metrics


@pytest.mark.parametrize(("phase", "outcome"), [("Failed", "failed"), ("Error", "failed"), ("Running", "unfinished")])
def test_outcomes(phase: str, outcome: str) -> None:
    assert sample_of(workflow(phase=phase)).outcome == outcome


def test_the_phases_cover_the_whole_run_without_overlapping() -> None:
    pods = []
    for key, start in (("a", 3), ("b", 20), ("c", 30)):
        pod = PodTimes(key, node_id=key, created=seconds(start), scheduled=seconds(start + 1))
        pod.ready_to_start, pod.started = seconds(start + 2), seconds(start + 5)
        pod.finished = seconds({"a": 9, "b": 29, "c": 40}[key])
        pod.see_event(
            {
                "metadata": {"name": key},
                "lastTimestamp": at(start + 5),
                "message": 'Successfully pulled image "x" in 1s (1s including waiting)',
            }
        )
        pods.append(pod)
    phases = sorted(sample_of(workflow(), pods).phases, key=lambda phase: phase.start)
    between = 1  # second from the workflow's start to its first pod
    assert sum(phase.end - phase.start for phase in phases) == 45 - between
    for one, following in itertools.pairwise(phases):
        assert one.end <= following.start
    assert {phase.name for phase in phases} - set(BLANKS) == {"run", "finish"}
    assert [phase.end - phase.start for phase in phases if phase.name == "image-pull"] == [1, 1, 1]


def seconds(second: int) -> float:
    from slipway_steps.adapters.kubernetes import pods

    return pods.seconds(at(second)) or 0.0

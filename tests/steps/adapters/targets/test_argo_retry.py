"""The step `perf` whose pod was lost: the next attempt of the same workflow removes what it left on the cluster."""

import time
from collections.abc import Callable
from pathlib import Path

from simulated_cluster.argo_only import ArgoOnly
from steps.adapters.targets.pipelines import SESSION, scenario, two_steps

from slipway_steps.adapters.targets.argo import ArgoTarget
from slipway_steps.perf.clean import clean_target


def test_an_attempt_that_was_lost_is_removed_before_the_next(
    argo: ArgoOnly, argo_target: Callable[..., ArgoTarget], tmp_path: Path
) -> None:
    lost = argo_target(perf_owner="perf-test-x7k2p")
    lost.prepare(SESSION, scenario(runTime=2), two_steps(tmp_path, command=["sleep", "60"]))
    lost.submit({})
    lost.schedule(60, {})
    others, again = argo_target(perf_owner="perf-test-other"), argo_target(perf_owner="perf-test-x7k2p")
    for target in (others, argo_target()):
        (found,) = clean_target(target, time.time())
        assert found.alone.startswith("it may still be running, until")
    (found,) = clean_target(again, time.time())
    assert {name.split()[0] for name in found.removed} == {"cronworkflow", "workflow"}
    assert not argo.objects.all_of("Workflow")
    assert not argo.objects.all_of("CronWorkflow")
    lost.remove(SESSION)

"""The firings of a recurring run of Kubeflow Pipelines, from the runs that it made."""

import time
from collections.abc import Sequence
from typing import Any

from slipway_steps.adapters.targets.kubeflow_pipeline import ENDED
from slipway_steps.domain.perf_session import Firing


def firings_of(fired: Sequence[Any], every: float) -> list[Firing]:
    """The firings until now. fired: the runs (V2beta1Run). every: the interval in seconds; missed is what lies an
    interval or more between two firings.
    """
    found: list[Firing] = []
    running_until = 0.0
    for one in sorted(fired, key=lambda run: run.scheduled_at):
        due, started = one.scheduled_at.timestamp(), one.created_at.timestamp()
        while found and due - found[-1].due > 1.5 * every:
            found.append(Firing(due=found[-1].due + every))
        found.append(Firing(due=due, started=started, run=one.run_id, overlapping=started < running_until))
        running_until = max(running_until, one.finished_at.timestamp() if one.state in ENDED else time.time())
    return found

"""Sessions of performance tests, for tests of what is concluded from them."""

from typing import Any

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, PerfSession, RunOutcome, RunSample

FINGERPRINT = Fingerprint(
    cpu="Xeon", cores=2, memory_bytes=2**34, kernel="6.1", python="3.11", target="local", target_version="1"
)


def session(number: int, seconds: float, *, load: float = 0.3, runs: int = 7, **more: Any) -> PerfSession:
    """A session of runs that took `seconds` and used half as much of the processor. number: its place in time."""
    made = [
        RunSample(
            run=f"r{run}",
            started=1000.0 * number + run,
            outcome=RunOutcome.SUCCEEDED,
            metrics={"end-to-end": seconds * (1 + (run - 3) / 1000), "cpu": seconds / 2},
            components={"load": load, "train": seconds - load},
        )
        for run in range(runs)
    ]
    given = {
        "name": f"perf-{number}",
        "scenario": PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="p.yaml", name="train"),
        "scenario_digest": "d",
        "revision": "v1",
        "fingerprint": FINGERPRINT,
        "started": 1000.0 * number,
        "finished": 1000.0 * number + 100,
        "runs": made,
    }
    return PerfSession.model_validate(given | more)

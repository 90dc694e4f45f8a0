"""What a performance test needs from the outside, as protocols: where pipelines run, and where measurements are kept.

Every method blocks, and turns the exceptions of its client library into those of `domain.errors`. The methods of a
`Target` may be called by several threads at a time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import Fingerprint, Firing, PerfSession, RunSample
from slipway_steps.domain.verdict import Verdict


class Target(Protocol):
    """Where pipelines run: this machine, Argo Workflows, or Kubeflow Pipelines. One object serves one session, and all
    that it makes carries the session's name as a label, so that nothing else is ever deleted.
    """

    name: str

    @property
    def unmeasured(self) -> Mapping[str, str]:
        """The metrics that this target does not measure, each with the reason."""

    @property
    def version(self) -> str:
        """The version of what runs the pipelines, such as `slipway 0.1.0` or `Argo v4.1.2`."""

    def fingerprint(self) -> Fingerprint:
        """What runs were measured on, as far as it is known by now: this machine, or the nodes of a cluster."""

    @property
    def notes(self) -> Sequence[str]:
        """What people should know of how the runs were made and measured, as far as it is known by now."""

    def prepare(self, session: str, scenario: PerfScenario, pipeline: Path | None) -> None:
        """Check the pipeline and the limits, and upload what runs will need. Starts no run.

        pipeline: the file of the pipeline; None where the mode needs none. Raises BadInput or WorkflowInvalid for a
        pipeline that this target cannot run, and for limits that are more than it has.
        """

    def submit(self, parameters: Mapping[str, str]) -> str:
        """Start a run; returns its name. parameters: replace those of the scenario that have the same names."""

    def wait(self, run: str, deadline: float) -> bool:
        """Wait until a run has ended, at most until `deadline` (Unix seconds). Returns whether it has."""

    def stop(self, run: str) -> None:
        """End a run that has not ended; it keeps what is known about it. One that has ended is left as it is."""

    def read(self, run: str) -> RunSample:
        """What is known about a run: `unfinished` where it has not ended by itself."""

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        """Start a run every so many seconds, until `remove`; returns the schedule's name."""

    def firings(self, schedule: str) -> Sequence[Firing]:
        """What a schedule started and missed until now, in the order of time."""

    def create_experiment(self, name: str) -> None:
        """Create an experiment which later runs belong to: Kubeflow's, or MLflow's."""

    @property
    def operations(self) -> Sequence[str]:
        """The names of the requests that `get` can send; each only reads."""

    def get(self, operation: str) -> int:
        """Send one request of that name and read all of its answer; returns the HTTP status (a store that is no HTTP
        server: 200). Raises Broken where there was no answer.
        """

    def pool(self) -> Mapping[str, float]:
        """Numbers of the connection pool that `get` uses, by name; empty where it has none."""

    def finished(self, since: float) -> Sequence[RunSample]:
        """The runs of anybody that ended since then (Unix seconds). Starts none."""

    def sessions(self) -> Mapping[str, float]:
        """The sessions of anybody of which something is still there, each with the time until which it may run (Unix
        seconds; infinite where that is not told). Empty for a target that only this machine's sessions use.
        """

    def remove(self, session: str) -> Sequence[str]:
        """Stop and delete all that a session made, also that of a session whose program was killed. Returns the names
        of what was there. Twice is not an error.
        """


class Measurements(Protocol):
    """Where sessions are kept, and which of them are the baseline of a scenario. Each method raises RegistryError where
    that cannot be read or written.
    """

    def save(self, session: PerfSession, files: Sequence[Path] = ()) -> str:
        """Store a session with all its samples, and further files; returns where it can be seen."""

    def sessions(self, scenario_digest: str, fingerprint_digest: str = "", most: int = 100) -> Sequence[PerfSession]:
        """The newest sessions of a scenario, in the order of time; empty fingerprint: of all machines."""

    def set_baseline(self, session: str, baseline: bool) -> None:
        """Make a stored session part of the baseline of its scenario, or no longer."""

    def baseline(self, scenario_digest: str) -> Sequence[PerfSession]:
        """The sessions that are the baseline of a scenario, in the order of time."""

    def set_told(self, session: str, state: Verdict) -> None:
        """Keep what people were told after this stored session: that its pipeline regressed (`reject`), or is well
        again (`pass`).
        """

    def told(self, subject: str, machine: str) -> Verdict:
        """What people were told last about a scenario (`PerfSession.subject`) on a machine (`Fingerprint.machine`);
        `pass` where they were told nothing.
        """

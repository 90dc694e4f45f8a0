"""Sessions of performance tests in MLflow: an experiment with one run for each session, so that MLflow's own pages show
the medians over time, and the raw samples are there to be judged anew.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from slipway_steps.adapters.mlflow.connection import MlflowConnection, translated
from slipway_steps.adapters.mlflow.release_runs import quoted
from slipway_steps.domain.errors import BadInput, RegistryError
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict
from slipway_steps.settings import Settings

EXPERIMENT = "slipway-perf"
SESSION, SCENARIO, SUBJECT, FINGERPRINT, MACHINE, BASELINE, TOLD = (
    f"slipway.perf.{name}" for name in ("session", "scenario", "subject", "fingerprint", "machine", "baseline", "told")
)
"""The tags that sessions are found by."""
SAMPLES = "samples"
"""The directory of a run's artifacts that holds session.json, with all samples."""


class MlflowMeasurements:
    """Implements perf_ports.Measurements with MLflow 3. Methods that only read create neither a database nor a run."""

    def __init__(self, settings: Settings) -> None:
        self.connection = MlflowConnection(settings.model_copy(update={"experiment": EXPERIMENT}))

    @translated
    def save(self, session: PerfSession, files: Sequence[Path] = ()) -> str:
        """Store a session with all its samples, and further files; returns where it can be seen. A session that is
        there already is replaced.
        """
        client = self.connection.client
        tags = {
            SESSION: session.name,
            SCENARIO: session.scenario_digest,
            SUBJECT: session.subject,
            FINGERPRINT: session.fingerprint.digest,
            MACHINE: session.fingerprint.machine,
            "slipway.perf.revision": session.revision,
            "slipway.perf.mode": session.scenario.mode,
            "slipway.perf.target": session.fingerprint.target,
            "slipway.perf.verdict": session.verdict.value,
        }
        known = self._runs({SESSION: session.name}, 1)
        if known:
            run = str(known[0].info.run_id)
            for key, value in tags.items():
                client.set_tag(run, key, value)
        else:
            made = client.create_run(self.connection.experiment, run_name=session.name, tags=tags)
            run = str(made.info.run_id)
        for name, figure in _figures(session).items():
            client.log_metric(run, name, figure)
        with TemporaryDirectory() as directory:
            path = Path(directory) / "session.json"
            path.write_text(session.model_dump_json(indent=1))
            client.log_artifact(run, str(path), SAMPLES)
        for file in files:
            client.log_artifact(run, str(file), "report")
        client.set_terminated(run)
        return f"MLflow at {self.connection.shown_uri}: experiment {EXPERIMENT}, run {run}"

    @translated
    def sessions(self, scenario_digest: str, fingerprint_digest: str = "", most: int = 100) -> list[PerfSession]:
        """The newest sessions of a scenario, in the order of time; empty fingerprint: of all machines."""
        wanted = {SCENARIO: scenario_digest} | ({FINGERPRINT: fingerprint_digest} if fingerprint_digest else {})
        return self._read(self._runs(wanted, most))

    @translated
    def set_baseline(self, session: str, baseline: bool) -> None:
        """Make a stored session part of the baseline of its scenario, or no longer. Raises BadInput for an unknown
        one.
        """
        self._tag(session, BASELINE, "true" if baseline else "false")

    @translated
    def baseline(self, scenario_digest: str) -> list[PerfSession]:
        """The sessions that are the baseline of a scenario, in the order of time."""
        return self._read(self._runs({SCENARIO: scenario_digest, BASELINE: "true"}, 1000))

    @translated
    def set_told(self, session: str, state: Verdict) -> None:
        """Keep what people were told after a stored session. Raises BadInput for an unknown one."""
        self._tag(session, TOLD, state.value)

    @translated
    def told(self, subject: str, machine: str) -> Verdict:
        """What people were told last about a scenario on a machine; `pass` where they were told nothing."""
        wanted = {SUBJECT: subject, MACHINE: machine}
        last = [run for state in (Verdict.REJECT, Verdict.PASS) for run in self._runs({**wanted, TOLD: state.value}, 1)]
        newest = max(last, key=lambda run: int(run.info.start_time), default=None)
        return Verdict(newest.data.tags[TOLD]) if newest else Verdict.PASS

    def _tag(self, session: str, key: str, value: str) -> None:
        known = self._runs({SESSION: session}, 1)
        if not known:
            raise BadInput(f"there is no stored session {session!r}", "slipway perf history names them")
        self.connection.client.set_tag(known[0].info.run_id, key, value)

    def _runs(self, tags: dict[str, str], most: int) -> Sequence[Any]:
        """The runs with these tags, the newest first; none where there is no experiment."""
        experiment = None if self.connection.is_new else self.connection.known_experiment()
        if experiment is None:
            return []
        wanted = " and ".join(f"tags.`{key}` = '{quoted(value)}'" for key, value in tags.items())
        return list(self.connection.client.search_runs([experiment], wanted, max_results=most))

    def _read(self, runs: Sequence[Any]) -> list[PerfSession]:
        found = [self._session(str(run.info.run_id)) for run in runs]
        return sorted((session for session in found if session), key=lambda session: session.started)

    def _session(self, run: str) -> PerfSession | None:
        """The session of a run; None where it was killed before it stored its samples."""
        client = self.connection.client
        if not client.list_artifacts(run, SAMPLES):
            return None
        with TemporaryDirectory() as directory:
            path = Path(client.download_artifacts(run, SAMPLES, directory)) / "session.json"
            try:
                return PerfSession.model_validate_json(path.read_bytes())
            except ValidationError as error:
                what = f"session.json of run {run} of experiment {EXPERIMENT} is damaged"
                raise RegistryError(what, "delete that run in MLflow; nothing was changed") from error


def _figures(session: PerfSession) -> dict[str, float]:
    """What MLflow draws: the medians of metrics and steps, how many runs succeeded, and what the mode measured."""
    medians = {metric: session.median(metric) for metric in METRICS}
    steps: dict[str, list[float]] = {}
    for run in session.timed:
        for step, seconds in run.components.items():
            steps.setdefault(f"step/{step}", []).append(seconds)
    found = {name: value for name, value in medians.items() if value is not None}
    found |= {name: percentile(values, 50) for name, values in steps.items()} | session.measures
    if session.judged:
        found["succeeded"] = len(session.timed) / len(session.judged)
    # the characters that MLflow accepts in a name
    return {re.sub(r"[^\w\-. :/]", "_", name): value for name, value in found.items() if math.isfinite(value)}

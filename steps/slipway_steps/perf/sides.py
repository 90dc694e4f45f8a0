"""The sides of a comparison: each is a session of its own, with its target, its pipeline and its directory."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_steps.adapters.git.revision import export_revision, repository_root
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.perf.driver import ALPHABET, remove_all, scenario_digest
from slipway_steps.perf.limits import unmeasured_in
from slipway_steps.perf.scenario_file import find_pipeline
from slipway_steps.perf.store import SessionStore
from slipway_steps.perf_ports import Target

WORKING_TREE = "."
"""Names the files as they are now, where a revision is asked for."""
MODE = "PIPELINE_RUN"
"""The mode whose runs can be compared in pairs."""


class OpenSide:
    """One side while its runs are measured. What it measured is stored as a session, also where the other side fails.

    label: what people call it, such as a revision. `directory` is that of its session. `left`: after it was closed, why
    not all that it made could be removed, or its session not be stored; "" where all is as it should be.
    """

    def __init__(self, scenario: PerfScenario, target: Target, directory: Path, session: str, label: str) -> None:
        self.scenario, self.target, self.name, self.label = scenario, target, session, label
        self._store = SessionStore(directory, session)
        self.directory = self._store.directory
        self._session: PerfSession | None = None
        self._runs: list[RunSample] = []
        self.left = ""

    def prepare(self, pipeline: Path) -> None:
        """Check the pipeline and upload what its runs need; starts none. Raises what `Target.prepare` raises."""
        target = self.target
        self._session = PerfSession(
            name=self.name,
            scenario=self.scenario,
            scenario_digest=scenario_digest(self.scenario, pipeline),
            revision=self.label,
            fingerprint=target.fingerprint(),
            started=time.time(),
            finished=0,
            unmeasured=dict(target.unmeasured),
        )
        # before anything is made, so that `slipway perf clean` finds it after a kill at any moment
        self._store.begin(self._session)
        target.prepare(self.name, self.scenario, pipeline)

    def add(self, sample: RunSample) -> None:
        """Store a run that has ended."""
        self._runs.append(sample)
        self._store.add(sample)

    def close(self) -> None:
        """Remove what the runs left at the target, and store the session. Without any run nothing of it stays, unless
        `slipway perf clean` has to remove the rest.
        """
        removed = False
        try:
            self.left = remove_all(self.target, self.name)
            removed = not self.left
            if self._runs and self._session is not None:
                ended = {
                    "runs": self._runs,
                    "unmeasured": unmeasured_in(self._runs, self.target.unmeasured),
                    "finished": time.time(),
                    "fingerprint": self.target.fingerprint(),
                    "notes": ["one side of a comparison", *self.target.notes, *([self.left] if self.left else [])],
                }
                self._keep(self._session.model_copy(update=ended))
            if removed:
                self._store.discard()
        finally:
            self._store.close(removed=removed)

    def _keep(self, session: PerfSession) -> None:
        """Store the session. Where that fails, such as on a full disk, the comparison is told all the same."""
        try:
            self._store.finish(session)
        except Broken as error:
            self.left = "; ".join([*([self.left] if self.left else []), str(error)])


@contextmanager
def open_side(scenario: PerfScenario, target: Target, directory: Path, session: str, label: str) -> Iterator[OpenSide]:
    """A side that is closed whatever happens. directory: holds those of all sessions. Raises BadInput for a mode whose
    runs cannot be compared in pairs.
    """
    if scenario.mode != MODE:
        raise BadInput(f"mode {scenario.mode} cannot be compared in pairs of runs", f"use mode {MODE}")
    side = OpenSide(scenario, target, directory, session, label)
    try:
        yield side
    finally:
        side.close()


def new_name() -> str:
    """A name for a comparison; its sides are called by it."""
    return f"perf-{''.join(secrets.choice(ALPHABET) for _ in range(5))}"


def pipeline_at(scenario: PerfScenario, file: Path, revision: str, target: Path) -> tuple[Path, str]:
    """The pipeline of a scenario at a revision, and what the side is called. file: the scenario's.

    `.` is the file as it is now. Otherwise the directory that holds the scenario and its pipeline is written below
    `target` as the repository held it, so that all that lies beside the pipeline belongs to the same revision. The
    scenario itself is the same on both sides. Raises BadInput for an unknown revision, and where it has no such
    pipeline.
    """
    if revision == WORKING_TREE:
        found = find_pipeline(scenario, file.parent)
        if found is None:
            raise BadInput(f"{file} names no pipeline", "set pipelineFileName")
        return found, "working tree"
    directory = file.absolute().parent
    pipeline = Path(os.path.normpath(directory / scenario.pipeline_file_name))
    common = Path(os.path.commonpath([directory, pipeline.parent]))
    commit = export_revision(common, revision, target)
    at_revision = target / pipeline.resolve().relative_to(repository_root(common))
    if not at_revision.is_file():
        raise BadInput(f"revision {revision} has no pipeline {scenario.pipeline_file_name}", "name a newer revision")
    return at_revision, revision if commit.startswith(revision) else f"{revision} ({commit[:10]})"

"""A scenario that proves a pipeline from end to end, what one run of it showed, and the report over all of them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from slipway_steps.domain.verdict import Verdict

SYNTHETIC, DIGITS = "synthetic", "digits"
"""The sources of data that have a name; any other is the path of a directory."""


class Outcome(StrEnum):
    """How a run ended. promoted: it succeeded and its step `promote` ran. rejected: a gate said no, and all that
    undoes the release succeeded. timeout, memory: it crossed a limit of its scenario and was killed. refused: it
    never began. broken: Slipway itself failed.
    """

    PROMOTED = "promoted"
    REJECTED = "rejected"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    REFUSED = "refused"
    BROKEN = "broken"


class Bounds(BaseModel):
    """What a rule wants of a number: at least `min`, at most `max`, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def holds(self, value: float) -> bool:
        """Whether a number lies within the bounds."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        parts = (("at least", self.min), ("at most", self.max))
        return ", ".join(f"{word} {bound:g}" for word, bound in parts if bound is not None)


class E2ETestScenario(BaseModel):
    """One end-to-end test. directory: where its file lies; its paths are relative to that."""

    __test__: ClassVar[bool] = False
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    scenario_name: str = Field(min_length=1, max_length=200, description="A name for people, unique in its directory.")
    pipeline_config_path: str = Field(
        min_length=1, description="A name of the catalog, or an Argo file in the directory of the scenario."
    )
    expected_steps: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="Steps that have to run, each as often as it is named."
    )
    data_source: str = Field(
        SYNTHETIC, min_length=1, description="synthetic (a drawn image folder), digits, or the path of a directory."
    )
    expect: Literal["promoted", "rejected", "succeeded", "failed"] = Field(
        "succeeded", description="How the run has to end; promoted counts as succeeded too."
    )
    validation_rules: dict[str, Bounds] = Field({}, description="Measured number -> the bounds it has to keep.")
    timeout_minutes: float = Field(30, gt=0, le=1440, description="Minutes after which all its processes are killed.")
    memory_limit_gb: float = Field(4.0, gt=0, description="GiB that all its processes may use together.")
    directory: Path = Field(Path(), exclude=True)

    @property
    def memory_limit_bytes(self) -> int:
        """The memory limit in bytes."""
        return int(self.memory_limit_gb * 2**30)


class RuleResult(BaseModel):
    """A rule, the measured number (None: it was not measured, which never passes), and what was wanted."""

    model_config = ConfigDict(frozen=True)

    measured: float | None
    wanted: str
    passed: bool


class E2ETestResult(BaseModel):
    """What one run of a scenario showed.

    total_duration: seconds. peak_memory_usage: GiB of all its processes together, shared memory counted once.
    steps_executed and steps_failed count steps; the lists name them. steps_unexpected names what ran without being
    expected, also a step that ran more often than expected; of these only the latter fails the scenario.
    performance_metrics: seconds of each step, of one that was killed until then. running_steps: those that ran when
    it was killed. error_details: all that is not as expected, in one line each. last_lines: of failed_step, the first
    that failed or ran when it was killed. running_lines: the last lines of the others that ran then. left_behind:
    commands of processes that outlived the run and were killed.
    """

    __test__: ClassVar[bool] = False

    scenario_name: str
    success: bool
    verdict: Verdict
    expect: str
    outcome: Outcome
    total_duration: float
    peak_memory_usage: float
    memory_limit_gb: float
    timeout_minutes: float
    steps_expected: int
    steps_executed: int
    steps_failed: int
    failed_steps: list[str] = []
    running_steps: list[str] = []
    steps_missing: list[str] = []
    steps_unexpected: list[str] = []
    validation_results: dict[str, RuleResult] = {}
    error_details: str | None = None
    performance_metrics: dict[str, float] = {}
    failed_step: str = ""
    last_lines: list[str] = []
    running_lines: dict[str, list[str]] = {}
    left_behind: list[str] = []

    @property
    def faults(self) -> list[str]:
        """The lines of error_details."""
        return (self.error_details or "").splitlines()

    @property
    def steps_never_run(self) -> list[str]:
        """The expected steps that did not run once."""
        return list(dict.fromkeys(name for name in self.steps_missing if name not in self.performance_metrics))

    @property
    def ended_as_expected(self) -> bool:
        """Whether it ended in the expected way, whatever else was wrong. What was promoted has succeeded too."""
        return self.outcome == self.expect or (self.outcome, self.expect) == (Outcome.PROMOTED, Outcome.SUCCEEDED)

    @property
    def steps_found(self) -> int:
        """Expected steps that ran."""
        return self.steps_expected - len(self.steps_missing)


class ReadinessSection(BaseModel):
    """A section of the readiness checklist. verdict None: nothing was run for it; lines: what was seen, or why not."""

    title: str
    verdict: Verdict | None
    lines: list[str]

    @property
    def state(self) -> str:
        """The verdict as a word."""
        return "not run" if self.verdict is None else self.verdict.value


class E2EValidationReport(BaseModel):
    """The results of all scenarios of a directory. started, finished: Unix seconds."""

    __test__: ClassVar[bool] = False

    directory: str
    started: float
    finished: float
    results: list[E2ETestResult]
    sections: list[ReadinessSection] = []

    @property
    def verdict(self) -> Verdict:
        """The worst of all results and sections: reject before error before pass."""
        found: set[Any] = {one.verdict for one in self.results} | {one.verdict for one in self.sections}
        for verdict in (Verdict.REJECT, Verdict.ERROR, Verdict.INCONCLUSIVE):
            if verdict in found:
                return verdict
        return Verdict.PASS if found - {None} else Verdict.INCONCLUSIVE

"""The journal of an environment: what is deployed there, what passed there, and what is being done to it.

There is one record for each environment. It is stored as one tag on the registered model in MLflow, so that each change
is one write. An action first writes its intent, then acts, then writes the result. Whoever comes next can tell from the
record alone what was left half done. This module only computes new records; it reads and writes nothing.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.traffic import Share

PASSED_KEPT = 20
"""The number of passed candidates that a record keeps: more than anyone reverts by hand, and small enough for one
MLflow tag (about 130 bytes each; a tag holds 5000)."""


class Intent(BaseModel):
    """What a release is doing to an environment. `release` is the name of its workflow. `target` is what the
    environment is to serve; None means that it is to be emptied.

    `before` is what the environment served when the release opened it. A release that shifts traffic (`shift`) works on
    production and canary, whose versions stay as they are until it promotes.
    """

    model_config = ConfigDict(frozen=True)

    release: str
    action: Literal["deploy", "promote", "revert", "shift"]
    target: Candidate | None
    before: Candidate | None
    reason: str = ""


class Shift(BaseModel):
    """What a release told production's route. `release`: the name of its workflow."""

    model_config = ConfigDict(frozen=True)

    release: str
    share: Share


class Record(BaseModel):
    """The journal of one environment.

    current: what was last deployed there, healthy or not. passed: the candidates that passed there, oldest first,
    without any that failed afterwards. open: the intent of the release that owns the environment now. reverted: the
    last intent to revert that was completed, so that running the same revert again changes nothing. traffic: in
    production's record, the share that a release gave to the canary; None where production gets all.
    """

    model_config = ConfigDict(frozen=True)

    current: Candidate | None = None
    passed: tuple[Candidate, ...] = ()
    open: Intent | None = None
    reverted: Intent | None = None
    traffic: Shift | None = None

    @property
    def last_good(self) -> Candidate | None:
        """The candidate that passed here last, or None."""
        return self.passed[-1] if self.passed else None

    def opened(self, intent: Intent) -> "Record":
        """The record once a release has begun to work on the environment. Nothing has been deployed yet."""
        return self.model_copy(update={"open": intent})

    def with_traffic(self, traffic: Shift | None) -> "Record":
        """The record once production's route was, or is about to be, told this share."""
        return self.model_copy(update={"traffic": traffic})

    def with_current(self, candidate: Candidate | None) -> "Record":
        """The record once `candidate` was deployed (None: once the environment was emptied). The release still owns the
        environment.
        """
        return self.model_copy(update={"current": candidate})

    def confirmed(self, candidate: Candidate) -> "Record":
        """The record once `candidate` has passed here, which makes it the new `last_good`."""
        passed = (*(c for c in self.passed if c != candidate), candidate)[-PASSED_KEPT:]
        return self.model_copy(update={"passed": passed})

    def without_passed(self, candidate: Candidate) -> "Record":
        """The record once `candidate` has failed here: no revert goes back to it any more."""
        return self.model_copy(update={"passed": tuple(c for c in self.passed if c.version != candidate.version)})

    def closed(self) -> "Record":
        """The record once the release no longer works on the environment."""
        done = self.open if self.open and self.open.action == "revert" else self.reverted
        return self.model_copy(update={"open": None, "reverted": done})


def revert_target(record: Record, failed: Candidate | None) -> Candidate | None:
    """The candidate to serve again when `failed` has to be removed: what was served before if that passed here, else
    what passed last; None where nothing did.

    It is never the failed version itself, and it is never guessed from version numbers.
    """
    passed = [c for c in record.passed if failed is None or c.version != failed.version]
    before = record.open.before if record.open else None
    if before in passed:
        return before
    return passed[-1] if passed else None

"""The journal of an environment: what stands there, what passed there, and what is being done to it.

One record per environment is kept as one tag on the registered model in MLflow, so that each change of it is one
write. An action first writes its intent, then acts, then writes what came of it; whoever comes next can tell from the
record alone what was left half done. Everything here is pure: a record in, a record out.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.candidate import Candidate

PASSED_KEPT = 20
"""How many passed candidates a record remembers: enough to go back further than anyone does by hand, and small
enough for one MLflow tag (about 130 bytes each, limit 5000)."""


class Intent(BaseModel):
    """What a release is doing to an environment. `release` is the name of its workflow; `target` None means: empty it.

    `before` is what the environment served when the release opened it.
    """

    model_config = ConfigDict(frozen=True)

    release: str
    action: Literal["deploy", "promote", "revert"]
    target: Candidate | None
    before: Candidate | None
    reason: str = ""


class Record(BaseModel):
    """The journal of one environment.

    current: what was last brought there, healthy or not. passed: what passed there, oldest first; never holds a
    candidate that failed afterwards. open: the intent of the release that owns the environment now.
    reverted: the last intent to revert that was completed, so that running it again changes nothing.
    """

    model_config = ConfigDict(frozen=True)

    current: Candidate | None = None
    passed: tuple[Candidate, ...] = ()
    open: Intent | None = None
    reverted: Intent | None = None

    @property
    def last_good(self) -> Candidate | None:
        """What passed here last."""
        return self.passed[-1] if self.passed else None

    def opened(self, intent: Intent) -> "Record":
        """The release has begun; nothing has moved yet."""
        return self.model_copy(update={"open": intent})

    def arrived(self, candidate: Candidate | None) -> "Record":
        """`candidate` is what the platform was told to serve; the release still owns the environment."""
        return self.model_copy(update={"current": candidate})

    def confirmed(self, candidate: Candidate) -> "Record":
        """`candidate` passed here: it is the new last_good."""
        passed = (*(c for c in self.passed if c != candidate), candidate)[-PASSED_KEPT:]
        return self.model_copy(update={"passed": passed})

    def disowned(self, candidate: Candidate) -> "Record":
        """`candidate` failed here: it is nothing to go back to any more."""
        return self.model_copy(update={"passed": tuple(c for c in self.passed if c.version != candidate.version)})

    def closed(self) -> "Record":
        """The release has ended here."""
        done = self.open if self.open and self.open.action == "revert" else self.reverted
        return self.model_copy(update={"open": None, "reverted": done})


def way_back(record: Record, failed: Candidate | None) -> Candidate | None:
    """What to serve again when `failed` has to go: what stood before if that passed here, else what passed last;
    never the failed version itself, never "the number below". None: there is nothing to go back to.
    """
    passed = [c for c in record.passed if failed is None or c.version != failed.version]
    before = record.open.before if record.open else None
    if before in passed:
        return before
    return passed[-1] if passed else None

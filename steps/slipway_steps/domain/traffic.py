"""Shares of real traffic: the weights of a rollout, and what one window of requests showed."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from slipway_steps.domain.errors import BadInput

DEFAULT_WEIGHTS = (10, 25, 50)
"""Percent of production's requests that the canary gets, one step after the other. The first is small enough that few
users meet a bad model, and half is as much as the canary's pods, which are as many as production's, can bear."""
MOST_STEPS = 20
"""More steps of one rollout are refused: each divides the chance of a false alarm, and so the power to see a fault."""


def parse_weights(text: str) -> tuple[int, ...]:
    """The weights of `5,10,25,50`, in percent. Raises BadInput unless they are whole numbers from 1 to 100 that
    rise.
    """
    try:
        weights = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"weights {text!r} are not whole numbers", "for example: 5,10,25,50") from None
    if any(not 1 <= one <= 100 for one in weights):
        raise BadInput(f"weights {text!r}: each has to be from 1 to 100 percent", "for example: 5,10,25,50")
    if list(weights) != sorted(set(weights)):
        raise BadInput(f"weights {text!r} do not rise", "for example: 5,10,25,50")
    if len(weights) > MOST_STEPS:
        raise BadInput(f"{len(weights)} weights are more than {MOST_STEPS}", "for example: 5,10,25,50")
    return weights


class Counts(BaseModel):
    """What the pods of one environment have answered since they started, or in one window.

    requests: predictions, whatever the answer. errors: those answered with a status of 500 or more. latencies: how many
    were answered within each number of seconds (the cumulative buckets of a Prometheus histogram, without `+Inf`).
    labels: how often each label was predicted. started: the start times of the processes that counted, in Unix seconds;
    a process that has started anew has counted from zero.
    """

    model_config = ConfigDict(frozen=True)

    requests: int = Field(0, ge=0)
    errors: int = Field(0, ge=0)
    latencies: Mapping[float, int] = {}
    labels: Mapping[str, int] = {}
    started: tuple[float, ...] = ()

    def since(self, before: "Counts") -> "Counts | None":
        """What was counted after `before`; None where other processes count now, so nobody can tell."""
        if self.started != before.started:
            return None
        return Counts(
            requests=self.requests - before.requests,
            errors=self.errors - before.errors,
            latencies={bound: count - before.latencies.get(bound, 0) for bound, count in self.latencies.items()},
            labels={label: count - before.labels.get(label, 0) for label, count in self.labels.items()},
            started=self.started,
        )

    def percentile(self, percent: float) -> float | None:
        """Seconds below which `percent` % of the answers came, by linear interpolation inside a bucket, as Prometheus'
        `histogram_quantile` computes it; the highest bound where it is beyond that. None without answers.
        """
        total = self.requests
        if not total or not self.latencies:
            return None
        wanted, low, below = total * percent / 100, 0.0, 0
        for bound in sorted(self.latencies):
            count = self.latencies[bound]
            if count >= wanted and count > below:
                return low + (bound - low) * (wanted - below) / (count - below)
            low, below = bound, count
        return low


class Window(BaseModel):
    """One step of a rollout: what both versions answered while the canary's share was `weight` percent."""

    model_config = ConfigDict(frozen=True)

    weight: int
    new: Counts
    old: Counts

    @property
    def share(self) -> float | None:
        """The share of the requests that the new version really got, from 0 to 1; None without requests."""
        total = self.new.requests + self.old.requests
        return self.new.requests / total if total else None


def total_of(counts: Sequence[Counts]) -> Counts:
    """All of them together. Labels and buckets that one of them lacks count as zero there."""
    bounds = sorted({bound for one in counts for bound in one.latencies})
    labels = sorted({label for one in counts for label in one.labels})
    return Counts(
        requests=sum(one.requests for one in counts),
        errors=sum(one.errors for one in counts),
        latencies={bound: sum(one.latencies.get(bound, 0) for one in counts) for bound in bounds},
        labels={label: sum(one.labels.get(label, 0) for one in counts) for label in labels},
        started=tuple(sorted(time for one in counts for time in one.started)),
    )


class Share(BaseModel):
    """How production's route divides its requests. percent: of them go to the canary, the others to production. mirror:
    percent of the requests that are sent to the canary as well, whose answers are thrown away.
    """

    model_config = ConfigDict(frozen=True)

    percent: int = Field(0, ge=0, le=100)
    mirror: int = Field(0, ge=0, le=100)

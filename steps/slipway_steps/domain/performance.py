"""What a step or a run used of the machine, and what follows from it for its limits. Only numbers come in."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from slipway_steps.domain.comparison import Interval

MIB = 2**20
CRITICAL, HIGH, MEDIUM = 0.95, 0.85, 0.70
"""Shares of a memory limit from which on a use is of that severity."""
OVER_PROVISIONED = 0.25
"""Share of a memory request below which a use needs less than was asked for."""
WAITS = (0.10, 0.25, 0.50)
"""Shares of the time, of throttling, of waits for disks or for a free slot, above which they are medium, high, and
critical."""
ROOM = 1.45
"""What is proposed for memory is so many times the peak: as a limit it is then no pressure."""


class Category(StrEnum):
    """The part of the machine that a recommendation is about."""

    MEMORY = "memory"
    CPU = "cpu"
    IO = "io"
    CONCURRENCY = "concurrency"


class Severity(StrEnum):
    """How much it matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)
"""From the least to the most."""


class PerformanceMetrics(BaseModel):
    """What a step, or a whole run, used while it was measured. None: not known, or not set.

    `seconds`: as long as it was measured; `ended`: whether its end was seen, so that its peak is known. `cpu`:
    seconds of processor time; a step counts from its start, so that `cpu_before` of a run's are from before the
    measurement. `peak`, `memory_request`, `memory_limit`, `read`, `written`: bytes. `throttled`: share of time in
    which its CPU limit stopped it. `io_wait`: share of the time in which the machine's processors only waited for
    disks. `concurrency`: the most steps that ran at a time. `queued`: share of the time in which steps waited for
    parallelism or a lock although a core had nothing to do; `idle`: how many cores, in that time.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    seconds: float
    cpu: float
    peak: int
    cpu_before: float = 0.0
    read: int = 0
    written: int = 0
    ended: bool = True
    oom_killed: bool = False
    memory_request: int | None = None
    memory_limit: int | None = None
    throttled: float | None = None
    io_wait: float | None = None
    concurrency: int = 1
    queued: float | None = None
    idle: float = 0.0

    @property
    def cores(self) -> float:
        """The processor cores that it used on average."""
        return (self.cpu - self.cpu_before) / self.seconds if self.seconds > 0 else 0.0


class OptimizationRecommendation(BaseModel):
    """What to change, and why. `estimated_improvement`: the ratio of what it uses after the change to what it uses now,
    with its interval; None unless both were measured.
    """

    model_config = ConfigDict(frozen=True)

    category: Category
    severity: Severity
    subject: str
    message: str
    estimated_improvement: Interval | None = None

    def __str__(self) -> str:
        return f"{self.category:<11}  {self.severity:<8}  {self.subject}: {self.message}"


def memory_pressure(peak: int, limit: int) -> Severity | None:
    """How near a peak has come to its limit; None where that is no reason to change anything."""
    for share, severity in ((CRITICAL, Severity.CRITICAL), (HIGH, Severity.HIGH), (MEDIUM, Severity.MEDIUM)):
        if peak >= share * limit:
            return severity
    return None


def waiting(share: float) -> Severity | None:
    """How bad it is to wait for such a share of the time; None where that is no reason to change anything."""
    found = [severity for least, severity in zip(WAITS, SEVERITIES[1:], strict=True) if share > least]
    return found[-1] if found else None


def recommendations(metrics: PerformanceMetrics) -> list[OptimizationRecommendation]:
    """What follows from the use of one step or run, the worst first. Nothing here tells what a change would gain."""
    found = [one for one in (_memory(metrics), *_waits(metrics)) if one is not None]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity), reverse=True)


def _memory(metrics: PerformanceMetrics) -> OptimizationRecommendation | None:
    peak, limit, request = metrics.peak, metrics.memory_limit, metrics.memory_request
    used = f"peak {mebibytes(peak)}"
    if metrics.oom_killed:
        return _of(metrics, Category.MEMORY, Severity.CRITICAL, f"it was killed for its memory, {used} was seen")
    if limit and (severity := memory_pressure(peak, limit)):
        message = f"{used} is {100 * peak / limit:.0f} % of its limit {mebibytes(limit)}; {_proposed(peak)}"
        return _of(metrics, Category.MEMORY, severity, message)
    if metrics.ended and request and peak < OVER_PROVISIONED * request:
        message = f"{used} is {100 * peak / request:.0f} % of its request {mebibytes(request)}; {_proposed(peak)}"
        return _of(metrics, Category.MEMORY, Severity.LOW, message)
    return None


def _waits(metrics: PerformanceMetrics) -> list[OptimizationRecommendation | None]:
    return [
        _wait(metrics, Category.CPU, metrics.throttled, "throttled by its CPU limit {} of the time; raise the limit"),
        _wait(metrics, Category.IO, metrics.io_wait, "the processors only waited for disks {} of the time"),
        _wait(
            metrics,
            Category.CONCURRENCY,
            metrics.queued,
            f"steps waited {{}} of the time with {metrics.idle:.1f} cores idle; raise parallelism or hold locks less",
        ),
    ]


def _wait(
    metrics: PerformanceMetrics, category: Category, share: float | None, message: str
) -> OptimizationRecommendation | None:
    severity = waiting(share) if share is not None else None
    return _of(metrics, category, severity, message.format(f"{100 * (share or 0):.0f} %")) if severity else None


def _of(
    metrics: PerformanceMetrics, category: Category, severity: Severity, message: str
) -> OptimizationRecommendation:
    return OptimizationRecommendation(category=category, severity=severity, subject=metrics.subject, message=message)


def proposed_memory(peak: float) -> int:
    """The memory to ask for with such a peak, in bytes: with room, in whole steps of 16 MiB."""
    return -int(-peak * ROOM // (16 * MIB)) * 16 * MIB


def _proposed(peak: int) -> str:
    return f"{proposed_memory(peak) // MIB}Mi would do"


def mebibytes(number: float) -> str:
    """A number of bytes for a person."""
    return f"{number / MIB:.0f} MiB"

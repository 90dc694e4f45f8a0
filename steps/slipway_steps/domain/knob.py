"""A knob of a step: something that changes what the step uses, and must not change its results."""

from typing import NamedTuple

from slipway_steps.domain.performance import Category


class Knob(NamedTuple):
    """`category`: what it is judged by: MEMORY (the peak), CPU (the time), or CONCURRENCY (the peak where a smaller one
    costs no time, else the time). `variable`: the environment variable that sets it. `default`: the value without that
    variable, "" for none. `values`: what is tried instead.

    `reserves`: the value is memory that a pod gets for itself, as a quantity. A smaller one is a gain where it leaves
    room above the peak and costs no time.
    """

    name: str
    category: Category
    variable: str
    default: str
    values: tuple[str, ...]
    reserves: bool = False


CPU_LIMIT, MEMORY_LIMIT = "TRIAL_CPU_LIMIT", "TRIAL_MEMORY_LIMIT"
"""The variables of the limits of a trial, as quantities. A trial is run under them, and never sees them."""


def limits(memory: str) -> tuple[Knob, Knob]:
    """The limits of a step's pod as knobs. memory: the limit that its template has; for its CPU it has none."""
    return (
        Knob("cpu-limit", Category.CPU, CPU_LIMIT, "", ("1", "2")),
        Knob("memory-limit", Category.MEMORY, MEMORY_LIMIT, memory, ("1Gi", "512Mi"), reserves=True),
    )

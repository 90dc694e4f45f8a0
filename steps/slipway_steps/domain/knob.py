"""A knob of a step: something that changes what the step uses, and must not change its results."""

from typing import NamedTuple

from slipway_steps.domain.performance import Category


class Knob(NamedTuple):
    """`category`: what it is judged by, MEMORY (the peak) or CPU (the time). `variable`: the environment variable that
    sets it. `default`: the value without that variable, "" for none. `values`: what is tried instead.
    """

    name: str
    category: Category
    variable: str
    default: str
    values: tuple[str, ...]

"""Tries the knobs that are declared beside a step, and recommends changes that were measured to be better."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.knob import Knob
from slipway_steps.domain.performance import OptimizationRecommendation
from slipway_steps.optimize.judgement import LEAST_ROUNDS, judge
from slipway_steps.optimize.trial_program import KNOBS
from slipway_steps.optimize.trials import Run, rounds, run_program, step_program


class Optimized(NamedTuple):
    """The recommendations, and a line on each change that was tried."""

    recommendations: list[OptimizationRecommendation]
    lines: list[str]


def knobs_of(step: str) -> tuple[Knob, ...]:
    """The knobs of a step. Raises BadInput for a step that cannot be tried."""
    if step not in KNOBS:
        raise BadInput(
            f"the step {step} cannot be tried: it is unknown, changes something, or has no knob",
            f"known: {', '.join(KNOBS)}, and files of workflows",
        )
    return KNOBS[step]


def optimize(
    step: str,
    knobs: Sequence[Knob],
    run: Run,
    now: Mapping[str, str],
    number: int = LEAST_ROUNDS,
    told: Callable[[int, int], None] = lambda done, of: None,
    chosen: Collection[str] = (),
) -> Optimized:
    """Try each other value of each knob. `now`: knob -> the value that stands now, where it is not the default.

    `step`: the name that the recommendations bear. `number`: runs of each side. `told`: is called with the number of
    runs that were made, and of all. `chosen`: the knobs that are tried; none: all. Raises BadInput for an unknown knob
    and for too few runs, Broken where a run fails.
    """
    by_name = {knob.name: knob for knob in knobs}
    for name in (*now, *chosen):
        if name not in by_name:
            raise BadInput(f"{step} has no knob {name}", f"known: {', '.join(by_name)}")
    if number < LEAST_ROUNDS:
        raise BadInput(f"{number} runs of each side have no interval of 95 %", f"at least {LEAST_ROUNDS} have one")
    stands = {name: now.get(name, knob.default) for name, knob in by_name.items()}
    base = {by_name[name].variable: value for name, value in stands.items() if value}
    changes = [
        (knob, value)
        for name, knob in by_name.items()
        for value in dict.fromkeys((knob.default, *knob.values))
        if value and value != stands[name] and (name in chosen or not chosen)
    ]
    sides = [base, *({**base, knob.variable: value} for knob, value in changes)]
    trials = rounds(run, sides, number, lambda done: told(done, number * len(sides)))
    judged = [
        judge(step, knob, stands[knob.name], value, trials[0], found)
        for (knob, value), found in zip(changes, trials[1:], strict=True)
    ]
    return Optimized([one for one, _ in judged if one], [line for _, line in judged])


def runs_of(step: str, *given: str) -> Run:
    """Runs the program of a step. given: what it computes on; see `trial_program`."""
    command = step_program(step, *given)
    return lambda variables: run_program(command, variables)

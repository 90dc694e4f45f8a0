"""Tries the knobs that are declared beside a step, and recommends changes that were measured to be better."""

from collections.abc import Callable, Mapping
from pathlib import Path
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
            f"the step {step} cannot be tried", f"known: {', '.join(KNOBS)}; others change something, or have no knob"
        )
    return KNOBS[step]


def optimize(
    step: str,
    run: Run,
    now: Mapping[str, str],
    number: int = LEAST_ROUNDS,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Optimized:
    """Try each other value of each knob. `now`: knob -> the value that stands now, where it is not the default.

    `number`: runs of each side. `told`: is called with the number of runs that were made, and of all. Raises BadInput
    for an unknown step or knob and for too few runs, Broken where a run fails.
    """
    knobs = {knob.name: knob for knob in knobs_of(step)}
    for name in now:
        if name not in knobs:
            raise BadInput(f"the step {step} has no knob {name}", f"known: {', '.join(knobs)}")
    if number < LEAST_ROUNDS:
        raise BadInput(f"{number} runs of each side have no interval of 95 %", f"at least {LEAST_ROUNDS} have one")
    stands = {name: now.get(name, knob.default) for name, knob in knobs.items()}
    base = {knobs[name].variable: value for name, value in stands.items() if value}
    changes = [
        (knob, value)
        for name, knob in knobs.items()
        for value in dict.fromkeys((knob.default, *knob.values))
        if value and value != stands[name]
    ]
    sides = [base, *({**base, knob.variable: value} for knob, value in changes)]
    trials = rounds(run, sides, number, lambda done: told(done, number * len(sides)))
    judged = [
        judge(step, knob, stands[knob.name], value, trials[0], found)
        for (knob, value), found in zip(changes, trials[1:], strict=True)
    ]
    return Optimized([one for one, _ in judged if one], [line for _, line in judged])


def runs_of(step: str, package: Path) -> Run:
    """Runs the program of a step on a packaged model."""
    command = step_program(step, package)
    return lambda variables: run_program(command, variables)

"""`promote-by-canary`: gives canary's version a rising share of production's requests, then promotes or reverts it."""

from slipway_workflows.catalog.parts import MODEL_VERSION, VERDICT, exit_handler, output, template, when
from slipway_workflows.step import (
    arguments_from_inputs,
    inputs_of,
    merged_parameters,
    parameter_name,
    pod_template,
    template_ref_step,
)
from slipway_workflows.strict_hera import Container, ContinueOn, Parameter, Step, Steps, ValueFrom, WorkflowTemplate

FROM_SHIFT = ("weight", "steps")
"""Inputs of the gate that the step before it gives."""
LOCK = "promote-by-canary"
"""The mutex of the whole workflow. It is not that of releases, which go on while users try the canary."""
LONGEST = 7200
"""Seconds of one share at most: the gate itself waits `max-wait` for requests, half an hour by default."""


def roll_template(shift: Container, canary: Container, inputs: list[Parameter]) -> Steps:
    """The inner template: one share and its gate, then, if that passed, itself again for the next share.

    Argo has no loop whose next round depends on the result of the last one, so the template calls itself. Its verdict
    is that of the gate, or that of the rounds after it.
    """
    gate, last = output("canary", VERDICT), output("shift", "last")
    own, later = (f"steps['{step}'].outputs.parameters.{VERDICT}" for step in ("canary", "next"))
    ends = f"{own} != 'pass' || steps['shift'].outputs.parameters.last == 'true'"
    verdict = ValueFrom(expression=f"({ends}) ? {own} : {later}", default="error")
    done = Parameter(name="done", value="0", description="How many of the shares the canary has had.")
    with Steps(
        name="roll", inputs=[*inputs, done], outputs=[Parameter(name=VERDICT, global_name=VERDICT, value_from=verdict)]
    ) as roll:
        Step(name="shift", template=shift.name, arguments=arguments_from_inputs(inputs_of("shift")))
        given = {name: output("shift", name) for name in FROM_SHIFT}
        Step(
            name="canary",
            template=canary.name,
            arguments=arguments_from_inputs(inputs_of("canary"), **given),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(
            name="next",
            template="roll",
            arguments=arguments_from_inputs(inputs, done="") | {"done": output("shift", "done")},
            when=f"{when(gate, '==', 'pass')} && {when(last, '==', 'false')}",
        )
    return roll


def judge_template(shadow: Container, roll: Steps, inputs: list[Parameter]) -> Steps:
    """The inner template: the shadow gate, and only if that passed users."""
    first, users = (f"steps['{step}'].outputs.parameters.{VERDICT}" for step in ("shadow", "roll"))
    verdict = ValueFrom(expression=f"{first} != 'pass' ? {first} : {users}", default="error")
    outputs = [Parameter(name=VERDICT, global_name=VERDICT, value_from=verdict)]
    with Steps(name="judge", inputs=inputs, outputs=outputs) as judge:
        Step(
            name="shadow",
            template=shadow.name,
            arguments=arguments_from_inputs(inputs_of("shadow")),
            continue_on=ContinueOn(failed=True, error=True),
        )
        rest = [one for one in roll.inputs or [] if isinstance(one, Parameter)]
        Step(
            name="roll",
            template=roll.name,
            arguments=arguments_from_inputs(rest) | {"done": "0"},
            when=when(output("shadow", VERDICT), "==", "pass"),
        )
    return judge


def build() -> WorkflowTemplate:
    """Steps judge -> promote, or revert and rejected. Production keeps its version until every share has passed."""
    shadow = pod_template("shadow", image="train", resources="steps")
    shift = pod_template("shift", mutexes=["env-canary", "env-production"])
    canary = pod_template("canary", deadline=LONGEST)
    hidden = {"done", "source-environment", *map(parameter_name, FROM_SHIFT)}
    inputs = merged_parameters(*(inputs_of(step) for step in ("shadow", "shift", "canary")), without=hidden)
    source = Parameter(name="source-environment", value="canary", description="The environment that the gate judges.")
    roll = roll_template(shift, canary, [*inputs, source])
    judge = judge_template(shadow, roll, [*inputs, source])
    verdict, version = output("judge", VERDICT), f"{{{{inputs.parameters.{MODEL_VERSION}}}}}"
    rejected = pod_template("rejected")
    with Steps(name="main", inputs=inputs) as main:
        Step(
            name="judge",
            template=judge.name,
            arguments=arguments_from_inputs([*inputs, source], source_environment="canary"),
        )
        with main.parallel():
            template_ref_step(
                "promote",
                "promote-model",
                {
                    MODEL_VERSION: version,
                    "source-environment": "canary",
                    "target-environment": "production",
                    "approved": "{{inputs.parameters.approved}}",
                },
                when=when(verdict, "==", "pass"),
            )
            template_ref_step(
                "revert",
                "revert-model",
                {MODEL_VERSION: version, "target-environment": "canary", "reason": verdict, VERDICT: verdict},
                when=when(verdict, "==", "reject"),
            )
        Step(name="rejected", template=rejected.name, arguments={VERDICT: verdict}, when=when(verdict, "!=", "pass"))
    description = (
        "Gives the version of canary a rising share of production's requests, and promotes it if each share passes."
    )
    return template(
        "promote-by-canary",
        description,
        main,
        [judge, shadow, roll, shift, canary, rejected],
        on_exit=exit_handler(),
        lock=LOCK,
    )

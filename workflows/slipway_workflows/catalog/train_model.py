"""`train-model`: train, evaluate with pytest, and register what passed."""

from slipway_workflows.catalog.parts import RUN_ID, VERDICT, output, template, when
from slipway_workflows.step import distinct, handed_on, inputs_of, pod_template, requests_of
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """Steps train -> evaluate -> register; a failing evaluation registers nothing."""
    train = pod_template("train", image="train", deadline=3600)
    evaluate = pod_template("evaluate", image="train", global_verdict=True)
    register = pod_template("register")
    inputs = distinct(inputs_of("train"), inputs_of("evaluate"), requests_of("train"), without=[RUN_ID])
    with Steps(
        name="main",
        inputs=inputs,
        outputs=[
            Parameter(name=VERDICT, value_from=ValueFrom(parameter=output("evaluate", VERDICT), default="error")),
            Parameter(
                name="model-version",
                value_from=ValueFrom(parameter=output("register", "model-version"), default="none"),
            ),
            Parameter(name=RUN_ID, value_from=ValueFrom(parameter=output("train", RUN_ID), default="none")),
        ],
    ) as main:
        run_id = output("train", RUN_ID)
        Step(name="train", template=train.name, arguments=handed_on(train.inputs))
        Step(
            name="evaluate",
            template=evaluate.name,
            arguments=handed_on(evaluate.inputs, run_id=run_id),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(
            name="register",
            template=register.name,
            arguments=handed_on(inputs_of("register"), run_id=run_id),
            when=when(output("evaluate", VERDICT), "==", "pass"),
        )
    description = "Trains a model, evaluates it with pytest and registers it in MLflow if it passes."
    return template("train-model", description, main, [train, evaluate, register])

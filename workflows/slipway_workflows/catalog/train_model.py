"""`train-model`: trains a model, evaluates it with pytest, and registers it if it passes."""

from slipway_workflows.catalog.parts import RUN_ID, VERDICT, output, template, when
from slipway_workflows.pod import data_parameters
from slipway_workflows.step import (
    arguments_from_inputs,
    inputs_of,
    merged_parameters,
    pod_template,
    requests_of,
)
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """Steps train -> evaluate -> register. A model that fails the evaluation is not registered."""
    train = pod_template("train", image="train", deadline=3600, data=True)
    evaluate = pod_template("evaluate", image="train", global_output=VERDICT)
    register = pod_template("register")
    of_train = [*inputs_of("train"), *requests_of("train"), *data_parameters()]
    inputs = merged_parameters(of_train, inputs_of("evaluate"), without=[RUN_ID])
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
        Step(name="train", template=train.name, arguments=arguments_from_inputs(of_train))
        Step(
            name="evaluate",
            template=evaluate.name,
            arguments=arguments_from_inputs(evaluate.inputs, run_id=run_id),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(
            name="register",
            template=register.name,
            arguments=arguments_from_inputs(inputs_of("register"), run_id=run_id),
            when=when(output("evaluate", VERDICT), "==", "pass"),
        )
    description = "Trains a model, evaluates it with pytest and registers it in MLflow if it passes."
    return template("train-model", description, main, [train, evaluate, register])

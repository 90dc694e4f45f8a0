"""`train-model`: trains a model, judges the package with pytest and by its inference handler, and registers it if it
passes both.
"""

from slipway_workflows.catalog.parts import MODEL_VERSION, RUN_ID, VERDICT, first_not_pass, output, template, when
from slipway_workflows.pod import data_parameters
from slipway_workflows.step import (
    arguments_from_inputs,
    inputs_of,
    merged_parameters,
    pod_template,
    requests_of,
)
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, ValueFrom, WorkflowTemplate

GATES = ("evaluate", "handler")
"""The steps of the gates on the packaged model, in the order in which they run and in which their verdicts are read.

A gate that does not pass ends it: what the evaluation rejects is not worth a test of its handler."""


def build() -> WorkflowTemplate:
    """Steps train -> evaluate -> handler -> register. A model that fails one of the gates is not registered."""
    train = pod_template("train", image="train", deadline=3600, data=True)
    evaluate = pod_template("evaluate", image="train")
    handler = pod_template("handler", image="handler", resources="train")
    register = pod_template("register")
    of_train = [*inputs_of("train"), *requests_of("train"), *data_parameters()]
    inputs = merged_parameters(of_train, inputs_of("evaluate"), inputs_of("handler"), without=[RUN_ID, MODEL_VERSION])
    verdict = ValueFrom(expression=first_not_pass(GATES), default="error")
    with Steps(
        name="main",
        inputs=inputs,
        outputs=[
            Parameter(name=VERDICT, global_name=VERDICT, value_from=verdict),
            Parameter(
                name=MODEL_VERSION,
                value_from=ValueFrom(parameter=output("register", MODEL_VERSION), default="none"),
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
            name="handler",
            template=handler.name,
            arguments=arguments_from_inputs(handler.inputs, run_id=run_id, model_version=""),
            when=when(output("evaluate", VERDICT), "==", "pass"),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(
            name="register",
            template=register.name,
            arguments=arguments_from_inputs(inputs_of("register"), run_id=run_id),
            when=" && ".join(when(output(gate, VERDICT), "==", "pass") for gate in GATES),
        )
    description = "Trains a model, evaluates it with pytest, tests its inference handler, and registers what passes."
    return template("train-model", description, main, [train, evaluate, handler, register])

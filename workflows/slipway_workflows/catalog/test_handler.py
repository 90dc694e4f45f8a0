"""`test-handler`: tests the inference handler of a version that is registered already, and keeps the evidence."""

from slipway_workflows.catalog.parts import MODEL_VERSION, RUN_ID, VERDICT, output, template, when
from slipway_workflows.step import arguments_from_inputs, inputs_of, merged_parameters, pod_template, requests_of
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """Steps handler -> rejected. The last one fails, and runs only if no `pass` was given.

    A version that was registered before there was this gate has no evidence of it, and a promotion wants that. Nothing
    that an environment serves is changed, so neither the release lock nor an exit handler is needed.
    """
    handler, rejected = pod_template("handler", image="handler", resources="train"), pod_template("rejected")
    version = Parameter(name=MODEL_VERSION, description="MLflow's version of the model.")
    inputs = merged_parameters([version], inputs_of("handler"), requests_of("train"), without=[RUN_ID])
    verdict = output("handler", VERDICT)
    with Steps(
        name="main",
        inputs=inputs,
        outputs=[
            Parameter(name=VERDICT, global_name=VERDICT, value_from=ValueFrom(parameter=verdict, default="error"))
        ],
    ) as main:
        Step(
            name="handler",
            template=handler.name,
            arguments=arguments_from_inputs(handler.inputs, run_id=""),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(
            name="rejected",
            template=rejected.name,
            arguments={VERDICT: verdict},
            when=when(verdict, "!=", "pass"),
        )
    description = "Tests the inference handler of a registered model version, as a promotion wants it."
    return template("test-handler", description, main, [handler, rejected])

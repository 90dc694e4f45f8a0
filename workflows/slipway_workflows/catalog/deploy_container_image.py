"""`deploy-container-image`: deploys the image of a model version to staging."""

from slipway_workflows.catalog.parts import STATE, environment_mutex, output, template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """The template with its one step. Its output `state` is healthy, unhealthy, or `error` if the deployment failed."""
    step = pod_template("deploy", mutexes=[environment_mutex("target-environment")])
    with Steps(
        name="main",
        inputs=inputs_of("deploy"),
        outputs=[Parameter(name=STATE, value_from=ValueFrom(parameter=output("deploy", STATE), default="error"))],
    ) as main:
        Step(name="deploy", template=step.name, arguments=arguments_from_inputs(inputs_of("deploy")))
    description = "Deploys a model version to staging and waits until it is healthy or has failed."
    # only staging is accepted
    return template("deploy-container-image", description, main, [step], inner=["target-environment"])

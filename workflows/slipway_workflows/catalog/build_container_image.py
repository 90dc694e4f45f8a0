"""`build-container-image`: adds the model as a layer to the image of the app."""

from slipway_workflows.catalog.parts import output, template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """The template with its one step, whose output `digest` is that of the built image."""
    step = pod_template("build")
    with Steps(
        name="main",
        inputs=inputs_of("build"),
        outputs=[Parameter(name="digest", value_from=ValueFrom(parameter=output("build", "digest"), default="none"))],
    ) as main:
        Step(name="build", template=step.name, arguments=arguments_from_inputs(inputs_of("build")))
    description = "Adds a registered model as one layer to the app image."
    return template("build-container-image", description, main, [step])

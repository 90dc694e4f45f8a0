"""`build-container-image`: the model layer on the app image."""

from slipway_workflows.catalog.parts import output, template
from slipway_workflows.step import handed_on, inputs_of, pod_template
from slipway_workflows.strict_hera import Parameter, Step, Steps, ValueFrom, WorkflowTemplate


def build() -> WorkflowTemplate:
    """One step; its output is the digest of the image."""
    step = pod_template("build")
    with Steps(
        name="main",
        inputs=inputs_of("build"),
        outputs=[Parameter(name="digest", value_from=ValueFrom(parameter=output("build", "digest"), default="none"))],
    ) as main:
        Step(name="build", template=step.name, arguments=handed_on(inputs_of("build")))
    description = "Adds a registered model as one layer to the app image."
    return template("build-container-image", description, main, [step])

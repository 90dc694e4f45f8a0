"""`doctor`: whether the environments are as the journal says, seen from inside the cluster."""

from slipway_steps.domain.environment import Environment
from slipway_workflows.catalog.parts import template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """One step, which no step that moves an environment runs beside; red where something is left to mend."""
    step = pod_template("doctor", mutexes=[f"env-{environment}" for environment in Environment])
    with Steps(name="main", inputs=inputs_of("doctor")) as main:
        Step(name="doctor", template=step.name, arguments=arguments_from_inputs(inputs_of("doctor")))
    description = "Finds what in the environments is not as the journal says, and tells of it; mends it where asked to."
    return template("doctor", description, main, [step])

"""`health-check`: whether what releases need can be used, seen from inside the cluster."""

from slipway_workflows.catalog.parts import template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """One step, which changes nothing and takes no lock; red where a component cannot be used."""
    step = pod_template("health")
    with Steps(name="main", inputs=inputs_of("health")) as main:
        Step(name="health", template=step.name, arguments=arguments_from_inputs(inputs_of("health")))
    description = "Checks MLflow, the stores, the environments and their rights, and tells people of trouble."
    return template("health-check", description, main, [step])

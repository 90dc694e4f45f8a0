"""`revert-model`: back to what passed."""

from slipway_workflows.catalog.parts import environment_mutex, template
from slipway_workflows.step import handed_on, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """One step; never to the numerically previous version, never to one that failed."""
    step = pod_template("revert", mutexes=[environment_mutex("target-environment")])
    with Steps(name="main", inputs=inputs_of("revert")) as main:
        Step(name="revert", template=step.name, arguments=handed_on(inputs_of("revert")))
    description = "Puts an environment back to the last version that passed there, or empties it."
    return template("revert-model", description, main, [step], on_exit=pod_template("finish"))

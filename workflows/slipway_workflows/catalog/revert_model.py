"""`revert-model`: reverts an environment to the last version that passed there."""

from slipway_workflows.catalog.parts import environment_mutex, template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """The template with its one step. It reverts to a version that passed there before, never to one that failed."""
    step = pod_template("revert", mutexes=[environment_mutex("target-environment")])
    with Steps(name="main", inputs=inputs_of("revert")) as main:
        Step(name="revert", template=step.name, arguments=arguments_from_inputs(inputs_of("revert")))
    description = "Reverts an environment to the last version that passed there, or empties it if there is none."
    return template("revert-model", description, main, [step], on_exit=[pod_template("finish")], inner=["verdict"])

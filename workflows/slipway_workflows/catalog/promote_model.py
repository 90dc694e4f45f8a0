"""`promote-model`: promotes a version to the next environment, if the reports of its gates allow it."""

from slipway_steps.domain.environment import ORDER
from slipway_workflows.catalog.parts import environment_mutex, template
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """The template with its one step, which holds the mutexes of both environments.

    When it runs alone, its exit handler undoes a promotion that was killed half-way.
    """
    step = pod_template(
        "promote", mutexes=[environment_mutex("source-environment"), environment_mutex("target-environment")]
    )
    inputs = inputs_of("promote")
    for name, environments in (("source-environment", ORDER[:-1]), ("target-environment", ORDER[1:])):
        next(one for one in inputs if one.name == name).enum = [environment.value for environment in environments]
    with Steps(name="main", inputs=inputs) as main:
        Step(name="promote", template=step.name, arguments=arguments_from_inputs(inputs_of("promote")))
    description = "Promotes the version of an environment to the next one, if exactly its image has passed every gate."
    return template("promote-model", description, main, [step], on_exit=[pod_template("finish")])

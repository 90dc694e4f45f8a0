"""`promote-model`: one hop, with evidence."""

from slipway_workflows.catalog.parts import environment_mutex, template
from slipway_workflows.step import handed_on, inputs_of, pod_template
from slipway_workflows.strict_hera import Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """One step that holds both environments; alone, its exit handler undoes what a killed promotion left."""
    step = pod_template(
        "promote", mutexes=[environment_mutex("source-environment"), environment_mutex("target-environment")]
    )
    with Steps(name="main", inputs=inputs_of("promote")) as main:
        Step(name="promote", template=step.name, arguments=handed_on(inputs_of("promote")))
    description = "Promotes what an environment serves to the next one, if every gate passed that very image."
    return template("promote-model", description, main, [step], on_exit=pod_template("finish"))

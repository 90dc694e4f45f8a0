"""`build-initial`: one first version in all environments of a new installation."""

from slipway_steps.domain.environment import Environment
from slipway_workflows.catalog import build_container_image, train_model
from slipway_workflows.catalog.parts import MODEL_VERSION, STATE, VERDICT, output, template, when
from slipway_workflows.step import distinct, handed_on, inputs_of, pod_template, referred
from slipway_workflows.strict_hera import Parameter, Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """Vacant? -> train -> build -> initialize; run again it changes nothing, after a release it is refused.

    Its version has passed the evaluation only: there is nothing yet that a revert could go back to.
    """
    train: list[Parameter] = list(train_model.build().arguments or [])
    image: list[Parameter] = list(build_container_image.build().arguments or [])
    vacant, rejected = pod_template("vacant"), pod_template("rejected")
    initialize = pod_template("initialize", mutexes=[f"env-{environment}" for environment in Environment])
    version, verdict = output("train", MODEL_VERSION), output("train", VERDICT)
    empty = when(output("vacant", STATE), "==", "vacant")
    good, bad = when(verdict, "==", "pass"), when(verdict, "!=", "pass")
    revision = [parameter for parameter in image if parameter.name == "revision"]
    with Steps(name="main", inputs=distinct(train, revision)) as main:
        Step(name="vacant", template=vacant.name, arguments=handed_on(inputs_of("vacant")))
        referred("train", "train-model", handed_on(train), when=empty)
        Step(
            name="rejected",
            template=rejected.name,
            arguments=handed_on(inputs_of("rejected"), verdict=verdict),
            when=f"{empty} && {bad}",
        )
        referred("build", "build-container-image", handed_on(image, model_version=version), when=f"{empty} && {good}")
        Step(
            name="initialize",
            template=initialize.name,
            arguments=handed_on(inputs_of("initialize"), model_version=version),
            when=f"{empty} && {good}",
        )
    description = "Trains a first version and puts it into staging, canary and production; once."
    parts = [vacant, rejected, initialize]
    return template("build-initial", description, main, parts, on_exit=pod_template("finish"), locked=True)

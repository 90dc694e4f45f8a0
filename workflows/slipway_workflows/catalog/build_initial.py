"""`build-initial`: brings a first version into all environments of a new installation."""

from slipway_steps.domain.environment import Environment
from slipway_workflows.catalog import build_container_image, train_model
from slipway_workflows.catalog.parts import (
    MODEL_VERSION,
    RELEASE_LOCK,
    STATE,
    VERDICT,
    exit_handler,
    output,
    template,
    when,
)
from slipway_workflows.step import arguments_from_inputs, inputs_of, merged_parameters, pod_template, template_ref_step
from slipway_workflows.strict_hera import Parameter, Step, Steps, WorkflowTemplate


def build() -> WorkflowTemplate:
    """Steps vacant -> train -> build -> initialize.

    A second run changes nothing, and after a release the workflow is refused. The first version has only passed the
    evaluation: the other gates need a version that a revert could restore, and there is none yet.
    """
    train: list[Parameter] = list(train_model.build().arguments or [])
    image: list[Parameter] = list(build_container_image.build().arguments or [])
    vacant, rejected = pod_template("vacant"), pod_template("rejected")
    initialize = pod_template("initialize", mutexes=[f"env-{environment}" for environment in Environment])
    version, verdict = output("train", MODEL_VERSION), output("train", VERDICT)
    empty = when(output("vacant", STATE), "==", "vacant")
    good, bad = when(verdict, "==", "pass"), when(verdict, "!=", "pass")
    revision = [parameter for parameter in image if parameter.name == "revision"]
    with Steps(name="main", inputs=merged_parameters(train, revision)) as main:
        Step(name="vacant", template=vacant.name, arguments=arguments_from_inputs(inputs_of("vacant")))
        template_ref_step("train", "train-model", arguments_from_inputs(train), when=empty)
        Step(
            name="rejected",
            template=rejected.name,
            arguments={VERDICT: verdict},
            when=f"{empty} && {bad}",
        )
        template_ref_step(
            "build",
            "build-container-image",
            arguments_from_inputs(image, model_version=version),
            when=f"{empty} && {good}",
        )
        Step(
            name="initialize",
            template=initialize.name,
            arguments=arguments_from_inputs(inputs_of("initialize"), model_version=version),
            when=f"{empty} && {good}",
        )
    description = "Trains a first version and deploys it to staging, canary and production of a new installation."
    parts = [vacant, rejected, initialize]
    return template("build-initial", description, main, parts, on_exit=exit_handler(), lock=RELEASE_LOCK)

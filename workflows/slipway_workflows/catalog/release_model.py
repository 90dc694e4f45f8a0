"""`release-model`: a whole release, from training to canary."""

from slipway_workflows.catalog import build_container_image, deploy_container_image, test_staging, train_model
from slipway_workflows.catalog.parts import MODEL_VERSION, RELEASE_LOCK, VERDICT, exit_handler, output, template, when
from slipway_workflows.catalog.test_staging import DEPLOY_STATUS
from slipway_workflows.step import arguments_from_inputs, merged_parameters, pod_template, template_ref_step
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, WorkflowTemplate

REVISION = "revision"


def _arguments(module_template: WorkflowTemplate) -> list[Parameter]:
    return list(module_template.arguments or [])


def build() -> WorkflowTemplate:
    """Steps train -> build -> deploy -> test. Each is a templateRef, so all run in one workflow with one graph.

    A failed deployment does not end the release: test-staging then skips the gates and reverts staging.
    """
    train, image, deploy, test = (
        _arguments(module.build())
        for module in (train_model, build_container_image, deploy_container_image, test_staging)
    )
    rejected = pod_template("rejected")
    version = output("train", MODEL_VERSION)
    verdict = output("train", VERDICT)
    inner = [MODEL_VERSION, "source-environment"]
    with Steps(
        name="main", inputs=merged_parameters(train, [p for p in image if p.name == REVISION], test, without=inner)
    ) as main:
        template_ref_step("train", "train-model", arguments_from_inputs(train))
        Step(
            name="rejected",
            template=rejected.name,
            arguments={VERDICT: verdict},
            when=when(verdict, "!=", "pass"),
        )
        template_ref_step("build", "build-container-image", arguments_from_inputs(image, model_version=version))
        template_ref_step(
            "deploy",
            "deploy-container-image",
            arguments_from_inputs(deploy, model_version=version),
            continue_on=ContinueOn(failed=True, error=True),
        )
        template_ref_step(
            "test",
            "test-staging",
            {
                **arguments_from_inputs(test, model_version=version, source_environment="staging"),
                DEPLOY_STATUS.name: "{{steps.deploy.status}}",
            },
        )
    description = "Trains a model and releases it: evaluation, image, staging, tests, then canary or revert."
    return template("release-model", description, main, [rejected], on_exit=exit_handler(), lock=RELEASE_LOCK)

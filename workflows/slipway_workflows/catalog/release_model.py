"""`release-model`: a whole release, from training to canary."""

from slipway_workflows.catalog import build_container_image, deploy_container_image, test_staging, train_model
from slipway_workflows.catalog.parts import MODEL_VERSION, VERDICT, output, template, when
from slipway_workflows.catalog.test_staging import DEPLOY_STATUS
from slipway_workflows.step import distinct, handed_on, inputs_of, pod_template, referred
from slipway_workflows.strict_hera import ContinueOn, Parameter, Step, Steps, WorkflowTemplate

REVISION = "revision"


def _arguments(module_template: WorkflowTemplate) -> list[Parameter]:
    return list(module_template.arguments or [])


def build() -> WorkflowTemplate:
    """Train -> build -> deploy -> test, by nested templateRefs: one graph, native status and outputs.

    A deployment that broke does not end the release: test-staging then judges nothing and reverts.
    """
    train, image, deploy, test = (
        _arguments(module.build())
        for module in (train_model, build_container_image, deploy_container_image, test_staging)
    )
    rejected = pod_template("rejected")
    version = output("train", MODEL_VERSION)
    verdict = output("train", VERDICT)
    inner = [MODEL_VERSION, DEPLOY_STATUS.name, "source-environment", "target-environment"]
    with Steps(
        name="main", inputs=distinct(train, [p for p in image if p.name == REVISION], test, without=inner)
    ) as main:
        referred("train", "train-model", handed_on(train))
        Step(
            name="rejected",
            template=rejected.name,
            arguments=handed_on(inputs_of("rejected"), verdict=verdict),
            when=when(verdict, "!=", "pass"),
        )
        referred("build", "build-container-image", handed_on(image, model_version=version))
        referred(
            "deploy",
            "deploy-container-image",
            handed_on(deploy, model_version=version, target_environment="staging"),
            continue_on=ContinueOn(failed=True, error=True),
        )
        referred(
            "test",
            "test-staging",
            handed_on(
                test,
                model_version=version,
                deploy_status="{{steps.deploy.status}}",
                source_environment="staging",
                target_environment="canary",
            ),
        )
    description = "Trains a model and releases it: evaluation, image, staging, tests, then canary or back."
    return template("release-model", description, main, [rejected], on_exit=pod_template("finish"), locked=True)

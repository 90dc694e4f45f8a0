"""`perf-test`: a performance test of a pipeline on the cluster, judged against its baseline; or it measures that."""

from slipway_workflows.catalog.parts import VERDICT, output, template, when
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template
from slipway_workflows.strict_hera import (
    ConfigMapVolumeSource,
    ContinueOn,
    Parameter,
    Step,
    Steps,
    ValueFrom,
    Volume,
    VolumeMount,
    WorkflowTemplate,
)

CONFIG = "slipway-perf"
"""The ConfigMap with scenarios and pipelines of the installation. It is optional."""
DIRECTORY = "/etc/slipway/perf"
"""Where the step finds it (`perf.step.GIVEN`)."""
DEADLINE = 6 * 3600
"""Seconds after which the test is ended: a soak of a few hours fits."""


def build() -> WorkflowTemplate:
    """Steps perf -> rejected, and one test at a time: two would measure each other.

    Nothing of a release waits for it, and it takes no lock of a release. The image is that of training: it has scipy.
    """
    perf = pod_template("perf", image="train", resources="steps", deadline=DEADLINE, mutexes=["perf-test"])
    scenarios = ConfigMapVolumeSource(name=CONFIG, optional=True)
    perf.volumes = [*perf.volumes, Volume(name="scenarios", config_map=scenarios)]
    perf.volume_mounts = [*perf.volume_mounts, VolumeMount(name="scenarios", mount_path=DIRECTORY, read_only=True)]
    rejected = pod_template("rejected")
    verdict = output("perf", VERDICT)
    with Steps(
        name="main",
        inputs=inputs_of("perf"),
        outputs=[
            Parameter(name=VERDICT, global_name=VERDICT, value_from=ValueFrom(parameter=verdict, default="error"))
        ],
    ) as main:
        Step(
            name="perf",
            template=perf.name,
            arguments=arguments_from_inputs(perf.inputs),
            continue_on=ContinueOn(failed=True, error=True),
        )
        Step(name="rejected", template=rejected.name, arguments={VERDICT: verdict}, when=when(verdict, "!=", "pass"))
    description = "Runs a pipeline many times in a namespace of its own, and says whether it got slower."
    return template("perf-test", description, main, [perf, rejected])

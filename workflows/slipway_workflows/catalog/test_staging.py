"""`test-staging`: runs the gates on the version that staging serves, then promotes, holds or reverts it."""

from slipway_workflows.catalog.parts import (
    MODEL_VERSION,
    RELEASE_LOCK,
    VERDICT,
    environment_mutex,
    exit_handler,
    first_not_pass,
    output,
    template,
    when,
)
from slipway_workflows.step import arguments_from_inputs, inputs_of, merged_parameters, pod_template, template_ref_step
from slipway_workflows.strict_hera import (
    Container,
    ContinueOn,
    Parameter,
    Step,
    Steps,
    ValueFrom,
    WorkflowTemplate,
)

GRAPH_ORDER = ("integration", "resources", "load")
"""The order in which the gates run: the quick ones first."""

VERDICT_ORDER = ("resources", "integration", "load")
"""The order in which verdicts are read, as in `domain.verdict.Gate`: a killed pod explains a refused connection."""

DEPLOY_STATUS = Parameter(
    name="deploy-status",
    value="Succeeded",
    description="Status of the deployment. If it is not Succeeded, the gates are skipped and staging is reverted.",
)
"""It is the status of the step and not an output, because a failed template has no outputs, not even defaults."""


def gates_template(pods: dict[str, Container]) -> Steps:
    """The inner template: three gates and one verdict. The resource test runs even if the integration test rejects.

    pods: gate -> the template that runs it.
    """
    inputs = [*merged_parameters(*(inputs_of(gate) for gate in GRAPH_ORDER)), DEPLOY_STATUS]
    deployed = when(f"{{{{inputs.parameters.{DEPLOY_STATUS.name}}}}}", "==", "Succeeded")
    both = " && ".join(when(output(gate, VERDICT), "==", "pass") for gate in ("integration", "resources"))
    with Steps(
        name="gates",
        inputs=inputs,
        outputs=[
            Parameter(
                name=VERDICT,
                global_name=VERDICT,
                value_from=ValueFrom(expression=first_not_pass(VERDICT_ORDER), default="error"),
            )
        ],
    ) as gates:
        for gate in GRAPH_ORDER:
            Step(
                name=gate,
                template=pods[gate].name,
                arguments=arguments_from_inputs(inputs_of(gate)),
                when=both if gate == "load" else deployed,
                continue_on=ContinueOn(failed=True, error=True),
            )
    return gates


def build() -> WorkflowTemplate:
    """Steps gates -> promote, hold or revert -> rejected. The last one fails, and runs only if no `pass` was given."""
    pods = {gate: pod_template(gate, mutexes=[environment_mutex("source-environment")]) for gate in GRAPH_ORDER}
    gates = gates_template(pods)
    hold, rejected = pod_template("hold", mutexes=[environment_mutex("source-environment")]), pod_template("rejected")
    automatic = Parameter(
        name="auto-promote",
        value="true",
        enum=["true", "false"],
        description="`false`: a release that passes the gates stays in staging until a person promotes it.",
    )
    verdict = output("gates", VERDICT)
    passed, failed = when(verdict, "==", "pass"), when(verdict, "!=", "pass")
    wanted = f"{{{{inputs.parameters.{automatic.name}}}}}"
    # what is judged elsewhere than in staging stays there: the next hop, to production, needs the approval of a person
    source = "{{inputs.parameters.source-environment}}"
    to_promote = f"{when(wanted, '==', 'true')} && {when(source, '==', 'staging')}"
    to_hold = f"({when(wanted, '!=', 'true')} || {when(source, '!=', 'staging')})"
    main_inputs = merged_parameters(gates.inputs or [], [automatic])
    with Steps(name="main", inputs=main_inputs) as main:
        Step(name="gates", template=gates.name, arguments=arguments_from_inputs(gates.inputs or []))
        with main.parallel():
            template_ref_step(
                "promote",
                "promote-model",
                {
                    MODEL_VERSION: f"{{{{inputs.parameters.{MODEL_VERSION}}}}}",
                    "source-environment": "staging",
                    "target-environment": "canary",
                },
                when=f"{passed} && {to_promote}",
            )
            Step(
                name="hold",
                template=hold.name,
                arguments=arguments_from_inputs(inputs_of("hold")),
                when=f"{passed} && {to_hold}",
            )
            template_ref_step(
                "revert",
                "revert-model",
                arguments_from_inputs(
                    inputs_of("revert"),
                    target_environment="{{inputs.parameters.source-environment}}",
                    reason=verdict,
                    verdict=verdict,
                ),
                when=failed,
            )
        Step(
            name="rejected",
            template=rejected.name,
            arguments={VERDICT: verdict},
            when=failed,
        )
    description = "Runs integration, resource and load tests on what staging serves, then promotes or reverts it."
    parts = [gates, *pods.values(), hold, rejected]
    on_exit = exit_handler()
    return template(
        "test-staging", description, main, parts, on_exit=on_exit, lock=RELEASE_LOCK, inner=[DEPLOY_STATUS.name]
    )

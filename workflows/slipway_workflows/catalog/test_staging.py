"""`test-staging`: judges what staging serves, then promotes, holds or reverts it by its own `when` branches."""

from slipway_workflows.catalog.parts import VERDICT, environment_mutex, output, template, when
from slipway_workflows.step import distinct, handed_on, inputs_of, pod_template, referred
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
"""The order in which the gates run: cheap before costly."""

VERDICT_ORDER = ("resources", "integration", "load")
"""The order in which they are read (domain.verdict.Gate): a killed pod explains a refused connection."""

DEPLOY_STATUS = Parameter(
    name="deploy-status",
    value="Succeeded",
    description="Status of the deployment; unless it is Succeeded, nothing is judged and staging is reverted.",
)
"""The step's status, not its output: a template that failed has no outputs, not even their defaults."""


def first_not_pass() -> str:
    """The expression of the gates' verdict: the first that is not `pass`, since the default of a skipped gate looks
    just like a measured one. No `?.`: every output has a default.
    """
    verdicts = [f"steps['{gate}'].outputs.parameters.{VERDICT}" for gate in VERDICT_ORDER]
    return "".join(f"{verdict} != 'pass' ? {verdict} : " for verdict in verdicts[:-1]) + verdicts[-1]


def gates_template(leaves: dict[str, Container]) -> Steps:
    """The inner template: three gates and one verdict. Resources run also after a rejection by integration."""
    inputs = [*distinct(*(inputs_of(gate) for gate in GRAPH_ORDER)), DEPLOY_STATUS]
    deployed = when(f"{{{{inputs.parameters.{DEPLOY_STATUS.name}}}}}", "==", "Succeeded")
    both = " && ".join(when(output(gate, VERDICT), "==", "pass") for gate in ("integration", "resources"))
    with Steps(
        name="gates",
        inputs=inputs,
        outputs=[
            Parameter(
                name=VERDICT,
                global_name=VERDICT,
                value_from=ValueFrom(expression=first_not_pass(), default="error"),
            )
        ],
    ) as gates:
        for gate in GRAPH_ORDER:
            Step(
                name=gate,
                template=leaves[gate].name,
                arguments=handed_on(inputs_of(gate)),
                when=both if gate == "load" else deployed,
                continue_on=ContinueOn(failed=True, error=True),
            )
    return gates


def build() -> WorkflowTemplate:
    """Gates -> promote | hold | revert -> rejected, which is red unless the verdict was `pass`."""
    leaves = {gate: pod_template(gate, mutexes=[environment_mutex("source-environment")]) for gate in GRAPH_ORDER}
    gates = gates_template(leaves)
    hold, rejected = pod_template("hold", mutexes=[environment_mutex("source-environment")]), pod_template("rejected")
    automatic = Parameter(
        name="auto-promote",
        value="true",
        enum=["true", "false"],
        description="`false`: a release that passes stops at staging, and a person promotes it.",
    )
    verdict = output("gates", VERDICT)
    passed, failed = when(verdict, "==", "pass"), when(verdict, "!=", "pass")
    wanted = f"{{{{inputs.parameters.{automatic.name}}}}}"
    # no approval is handed on: what a person has not approved does not reach production
    promotion = [parameter for parameter in inputs_of("promote") if parameter.name != "approved"]
    target = "{{inputs.parameters.target-environment}}"
    onward = f"{when(wanted, '==', 'true')} && {when(target, '!=', 'production')}"
    waits = f"({when(wanted, '!=', 'true')} || {when(target, '==', 'production')})"
    main_inputs = distinct(gates.inputs or [], promotion, [automatic])
    with Steps(name="main", inputs=main_inputs) as main:
        Step(name="gates", template=gates.name, arguments=handed_on(gates.inputs or []))
        with main.parallel():
            referred(
                "promote",
                "promote-model",
                handed_on(promotion),
                when=f"{passed} && {onward}",
            )
            Step(
                name="hold",
                template=hold.name,
                arguments=handed_on(inputs_of("hold")),
                when=f"{passed} && {waits}",
            )
            referred(
                "revert",
                "revert-model",
                handed_on(
                    inputs_of("revert"),
                    target_environment="{{inputs.parameters.source-environment}}",
                    reason=verdict,
                ),
                when=failed,
            )
        Step(
            name="rejected",
            template=rejected.name,
            arguments=handed_on(inputs_of("rejected"), verdict=verdict),
            when=failed,
        )
    description = "Judges what staging serves by its integration, resource and load tests, then promotes or reverts it."
    parts = [gates, *leaves.values(), hold, rejected]
    return template("test-staging", description, main, parts, on_exit=pod_template("finish"), locked=True)

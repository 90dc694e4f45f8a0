"""`promote-to-production`: asks a person, then promotes the version of canary to production."""

from slipway_workflows.catalog.parts import MODEL_VERSION, output, template, when
from slipway_workflows.step import arguments_from_inputs, inputs_of, pod_template, template_ref_step
from slipway_workflows.strict_hera import Parameter, Step, Steps, Suspend, ValueFrom, WorkflowTemplate

DECISION = "decision"
APPROVE, REJECT = "approve", "reject"


def build() -> WorkflowTemplate:
    """Steps approve -> promote, or approve -> rejected: without an approval the workflow ends as Failed.

    It does not take the release lock, because a person may need a day and releases have to go on. The promotion checks
    the reports of the gates after the answer, because canary may serve another version by then. Argo accepts any text
    as an answer; only the word `approve` promotes.
    """
    choice = Parameter(
        name=DECISION,
        value=REJECT,
        enum=[APPROVE, REJECT],
        description="**approve** serves the version to everybody; **reject** leaves production as it is.",
    )
    answer = Parameter(name=DECISION, value_from=ValueFrom(supplied={}, default=REJECT))
    # after a day without an answer the default, reject, is taken
    ask = Suspend(name="approve", duration="24h", inputs=[choice], outputs=[answer])
    rejected = pod_template("rejected")
    version = next(p for p in inputs_of("promote") if p.name == MODEL_VERSION)
    decision = output("approve", DECISION)
    with Steps(name="main", inputs=[version]) as main:
        Step(name="approve", template=ask.name, arguments={DECISION: REJECT})
        with main.parallel():
            template_ref_step(
                "promote",
                "promote-model",
                arguments_from_inputs(
                    inputs_of("promote"), source_environment="canary", target_environment="production", approved="true"
                ),
                when=when(decision, "==", APPROVE),
            )
            Step(
                name="rejected",
                template=rejected.name,
                arguments=arguments_from_inputs(inputs_of("rejected"), verdict="reject"),
                when=when(decision, "!=", APPROVE),
            )
    description = "Asks a person, waits a day for the answer, then promotes the version of canary to production."
    return template("promote-to-production", description, main, [ask, rejected], on_exit=pod_template("finish"))

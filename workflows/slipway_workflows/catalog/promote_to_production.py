"""`promote-to-production`: a person's word, then the hop from canary to production."""

from slipway_workflows.catalog.parts import MODEL_VERSION, output, template, when
from slipway_workflows.step import handed_on, inputs_of, pod_template, referred
from slipway_workflows.strict_hera import Parameter, Step, Steps, Suspend, ValueFrom, WorkflowTemplate

DECISION = "decision"
APPROVE, REJECT = "approve", "reject"


def build() -> WorkflowTemplate:
    """Approve -> promote, or a red end: an approval that approved nothing does not end green.

    Outside the release lock: a person may take a day, and releases go on. The promotion checks the evidence after the
    answer, because the model may have moved meanwhile. Argo takes any text as an answer: only the one word approves.
    """
    choice = Parameter(
        name=DECISION,
        value=REJECT,
        enum=[APPROVE, REJECT],
        description="**approve** serves the version to everybody; **reject** leaves production as it is.",
    )
    answer = Parameter(name=DECISION, value_from=ValueFrom(supplied={}, default=REJECT))
    # after a day without an answer the default, reject, holds
    ask = Suspend(name="approve", duration="24h", inputs=[choice], outputs=[answer])
    rejected = pod_template("rejected")
    version = next(p for p in inputs_of("promote") if p.name == MODEL_VERSION)
    decision = output("approve", DECISION)
    with Steps(name="main", inputs=[version]) as main:
        Step(name="approve", template=ask.name, arguments={DECISION: REJECT})
        with main.parallel():
            referred(
                "promote",
                "promote-model",
                handed_on(
                    inputs_of("promote"), source_environment="canary", target_environment="production", approved="true"
                ),
                when=when(decision, "==", APPROVE),
            )
            Step(
                name="rejected",
                template=rejected.name,
                arguments=handed_on(inputs_of("rejected"), verdict="reject"),
                when=when(decision, "!=", APPROVE),
            )
    description = "Asks a person, waits a day for the answer, and promotes what canary serves to production."
    return template("promote-to-production", description, main, [ask, rejected], on_exit=pod_template("finish"))

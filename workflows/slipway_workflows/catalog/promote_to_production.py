"""`promote-to-production`: asks a person, then promotes the version of canary to production."""

from slipway_steps.domain.approval import DECISION, NO, STEP, YES, Approval
from slipway_workflows.catalog.parts import MODEL_VERSION, output, template, when
from slipway_workflows.step import arguments_from_inputs, inputs_of, outputs_of, pod_template, template_ref_step
from slipway_workflows.strict_hera import Parameter, Step, Steps, Suspend, ValueFrom, WorkflowTemplate

DEADLINE = 86400
"""Seconds that a person has for the answer: a day. Argo has deadlines for pods and for whole workflows only, so it is
that of the workflow. A promotion that still runs then is undone by the exit handler."""

DESCRIPTIONS = {
    "model-version": "MLflow's version of the model.",
    "digest": "The image that is promoted.",
    "source-environment": "Where it is served now.",
    "target-environment": "Where it will be served.",
    "replaces": "What is served there now.",
    "evaluation": "What the evaluation measured.",
    "handler": "What the test of the inference handler found.",
    "resources": "What the resource test measured.",
    "integration": "What the integration test measured.",
    "load": "What the load test measured.",
    "links": "Pages that tell more.",
}
"""What is shown to the person who is asked, in this order."""


def question() -> Suspend:
    """The template that waits for the answer, with all that a person has to know as its inputs.

    Argo's UI has two buttons: RESUME of the toolbar gives every supplied output its default, so the default is yes; the
    one of the node shows the inputs as a form and sends all of them back. So every input is a supplied output too, or
    Argo would refuse the form; only `decision` is read. There is no `duration`: when it ran out, Argo would take the
    default.
    """
    choice = Parameter(
        name=DECISION,
        value=YES,
        default=YES,  # the form shows it, not the value
        enum=[YES, NO],
        description=f"**{YES}** serves the version to everybody; **{NO}** leaves production as it is.",
    )
    shown = [Parameter(name=name, description=text) for name, text in DESCRIPTIONS.items()]
    tags = {name: f"{{{{inputs.parameters.{name}}}}}" for name in DESCRIPTIONS}
    answers = {DECISION: YES, **tags}
    return Suspend(
        name=STEP,
        inputs=[choice, *shown],
        outputs=[
            Parameter(name=name, value_from=ValueFrom(supplied={}, default=default))
            for name, default in answers.items()
        ],
    )


def build() -> WorkflowTemplate:
    """Steps evidence -> approve -> promote, or rejected: without an approval the workflow ends as Failed.

    It does not take the release lock, because a person may need a day and releases have to go on. The promotion checks
    the reports of the gates after the answer, because canary may serve another version by then. Argo accepts any text
    as an answer; only the word `approve` promotes.
    """
    evidence, rejected = pod_template("evidence"), pod_template("rejected")
    version = next(p for p in inputs_of("promote") if p.name == MODEL_VERSION)
    decision = output(STEP, DECISION)
    hop = {"source-environment": "canary", "target-environment": "production"}
    with Steps(name="main", inputs=[version]) as main:
        Step(
            name="evidence",
            template=evidence.name,
            arguments=hop | arguments_from_inputs([version]),
        )
        found = {name: output("evidence", name) for name in outputs_of("evidence")}
        Step(name=STEP, template=STEP, arguments={DECISION: YES, **hop, **found})
        with main.parallel():
            template_ref_step(
                "promote",
                "promote-model",
                hop | {MODEL_VERSION: output("evidence", MODEL_VERSION), "approved": "true"},
                when=when(decision, "==", YES),
            )
            Step(
                name="rejected",
                template=rejected.name,
                arguments={"reason": Approval.REJECTED.value},
                when=when(decision, "!=", YES),
            )
    description = "Asks a person, waits a day for the answer, then promotes the version of canary to production."
    parts = [evidence, question(), rejected, finish := pod_template("finish")]
    on_exit = closing(finish.name, rejected.name)
    return template("promote-to-production", description, main, parts, on_exit=[on_exit], deadline=DEADLINE)


def closing(finish: str, rejected: str) -> Steps:
    """The exit handler: what every release does at its end, and where the question was stopped or its deadline ran out,
    a red step that says so. No step of the workflow itself can say it, because none may start any more.
    """
    answer = output("finish", "answer")
    with Steps(name="closing") as steps:
        Step(name="finish", template=finish)
        Step(name="rejected", template=rejected, arguments={"reason": answer}, when=when(answer, "!=", "none"))
    return steps

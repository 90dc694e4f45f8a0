"""The integration gate: does the app answer as the released version, with predictions for real images?"""

import time

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from slipway_steps.domain.answer import Answer
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.verdict import Check, Gate, Verdict
from slipway_steps.ports import World
from slipway_steps.release.gate_run import GateOutputs, StagingParams, UnderTest, conclude, under_test, verdict
from slipway_steps.release.prediction_checks import prediction_fault

REACH = 8.0
"""Seconds that the app may be unreachable: a restart takes three."""
RIGHT_MIN = 0.5
"""Share of samples that have to be right. A model with mixed-up labels gets about one in ten right."""

Params = StagingParams
Outputs = GateOutputs


def run(params: StagingParams, world: World) -> GateOutputs:
    """Ask /version and /predict. An app that cannot be asked is a reason to reject: the candidate does not serve."""
    started = time.time()
    with under_test(params, world) as found:
        return conclude(Gate.INTEGRATION, params, world, found, checks(found), started)


def checks(found: UnderTest, reach: float = REACH) -> list[Check]:
    """All checks that can be made. `reach`: seconds that the app may be unreachable."""
    try:
        answer = Retrying(
            retry=retry_if_exception_type(AppError), stop=stop_after_delay(reach), wait=wait_fixed(0.5), reraise=True
        )(found.app.version)
        return [*version_checks(found, answer), *predict_checks(found)]
    except AppError as error:
        message = f"the app does not answer: {error.message}"
        return [Check(code="unreachable", verdict=Verdict.REJECT, message=message)]


def version_checks(found: UnderTest, answer: Answer) -> list[Check]:
    """Check that /version names exactly the released version (as a string, so that 1 is not 10) and the image that was
    built.
    """
    body = answer.body or {}
    served, digest = body.get("version"), body.get("digest")
    wanted = found.candidate
    if answer.status != 200 or not isinstance(served, str) or not served:
        reason = body.get("error") or f"status {answer.status}"
        message = f"/version names no version: {reason}"
        return [
            Check(code="version", verdict=Verdict.REJECT, message=message, measured="none", threshold=wanted.version)
        ]
    return [
        Check(
            code="version",
            verdict=verdict(served == wanted.version),
            message=f"/version says {served}, released is {wanted.version}",
            measured=served,
            threshold=wanted.version,
        ),
        Check(
            code="digest",
            verdict=verdict(digest == wanted.digest),
            message=f"the image served is {str(digest)[:19]}, built was {wanted.digest[:19]}",
            measured=str(digest).removeprefix("sha256:")[:12],
            threshold=wanted.digest.removeprefix("sha256:")[:12],
        ),
    ]


def predict_checks(found: UnderTest) -> list[Check]:
    """Check that /predict answers every sample with status 200 and a prediction, and that at least half of them are
    right. Raises AppError.
    """
    answered, right = 0, 0
    problem = ""
    for label, image in found.samples:
        answer = found.app.predict(image)
        wrong = prediction_fault(answer.body, found.labels) if answer.status == 200 else ""
        if answer.status != 200:
            reason = (answer.body or {}).get("error") or answer.text[:200]
            problem = problem or f"/predict answered {answer.status}: {reason}"
        elif wrong:
            problem = problem or f"/predict answered 200 but no prediction: {wrong}"
        else:
            answered += 1
            right += (answer.body or {}).get("label") == label
    total = len(found.samples)
    made = [
        Check(
            code="predict",
            verdict=verdict(answered == total),
            message=problem or f"/predict answered {total} real images with predictions",
            measured=answered,
            threshold=total,
            unit="predictions",
        )
    ]
    if answered == total:
        made.append(
            Check(
                code="samples-right",
                verdict=verdict(right >= RIGHT_MIN * total),
                message=f"{right} of {total} sample images were recognised, at least {RIGHT_MIN:.0%} are wanted",
                measured=right,
                threshold=RIGHT_MIN * total,
                unit="predictions",
            )
        )
    return made

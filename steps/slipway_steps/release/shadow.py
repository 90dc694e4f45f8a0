"""The shadow gate: canary and production answer the same held-out images, one after the other, and are compared pair by
pair. Users notice nothing of it.
"""

import base64
import io
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.exact_tests import mcnemar
from slipway_steps.domain.package import Package, read_package
from slipway_steps.domain.verdict import Check, Gate, Verdict
from slipway_steps.ports import App, World
from slipway_steps.release.gate_run import REQUEST_TIMEOUT, GateOutputs, StagingParams, candidate_of, keep

ALPHA = 0.05
"""Chance of a false alarm: that two versions that are alike differ so much on these images."""
SHOWN = 60
"""Images whose label changed that the report keeps, with the picture: more than a person looks at."""

Outputs = GateOutputs


class Params(StagingParams):
    """What is compared, and what is accepted."""

    source_environment: Environment = Field(Environment.CANARY, description="The environment that the gate judges.")
    accuracy_loss_max_percent: float = Field(
        1,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="Percentage points (%) of the held-out images that canary may get wrong more than production.",
    )


@dataclass(frozen=True)
class Pair:
    """What both versions said of one image; "" where one gave no label. `png`: the picture."""

    label: str
    new: str
    old: str
    png: bytes


def run(params: Params, world: World) -> GateOutputs:
    """Ask both versions about each held-out image of the new one, and judge what they get right."""
    started = time.time()
    candidate = candidate_of(params, world)
    with tempfile.TemporaryDirectory() as directory:
        package = read_package(
            world.registry.download_package(world.registry.run_of(candidate.version), Path(directory))
        )
        images = list(held_out(package))
    new, old = (_app(world, one) for one in (params.source_environment, Environment.PRODUCTION))
    pairs, checks = [], []
    try:
        pairs = [Pair(label, _label(new, png), _label(old, png), png) for label, png in images]
        checks = [compare(pairs, params.accuracy_loss_max_percent)]
    except AppError as error:
        checks = [Check(code="answers", verdict=Verdict.INCONCLUSIVE, message=f"an app could not be asked: {error}")]
    changed = [_shown(one) for one in pairs if one.new != one.old][:SHOWN]
    return keep(Gate.SHADOW, params.release, candidate, checks, started, {"changed": changed}, world)


def _app(world: World, environment: Environment) -> App:
    own = world.settings.app_host.replace("{environment}", environment)
    host = own or service_host(world.settings.app, environment)
    return world.apps.at(world.platform.url(host), REQUEST_TIMEOUT)


def held_out(package: Package) -> Iterator[tuple[str, bytes]]:
    """The held-out images of a packaged model as (label, PNG bytes)."""
    import numpy
    from PIL import Image

    with numpy.load(package.holdout, allow_pickle=False) as held:
        images, labels = held["images"], held["labels"]
    for image, label in zip(images, labels, strict=True):
        written = io.BytesIO()
        Image.fromarray(image).save(written, "PNG")
        yield package.contract.labels[int(label)], written.getvalue()


def _label(app: App, png: bytes) -> str:
    answer = app.predict(png)
    return str((answer.body or {}).get("label", "")) if answer.status == 200 else ""


def compare(pairs: list[Pair], loss_max: float) -> Check:
    """Whether the new version gets significantly fewer images right, and fewer by more than `loss_max` percentage
    points. Only images that one of the two gets right tell something (McNemar's exact test).
    """
    if not pairs:
        return Check(code="accuracy", verdict=Verdict.INCONCLUSIVE, message="there are no held-out images")
    number = len(pairs)
    right = [sum(side == one.label for one, side in zip(pairs, sides, strict=True)) / number for sides in _sides(pairs)]
    worse = sum(one.old == one.label != one.new for one in pairs)
    better = sum(one.new == one.label != one.old for one in pairs)
    changed = sum(one.new != one.old for one in pairs)
    chance, loss = mcnemar(worse, better), 100 * (worse - better) / number
    return Check(
        code="accuracy",
        verdict=Verdict.REJECT if chance < ALPHA and loss > loss_max else Verdict.PASS,
        message=f"same {number} images to both: {100 * right[1]:.1f} % right before, {100 * right[0]:.1f} % now, "
        f"{changed} changed (p {chance:.2g}, a loss below {ALPHA:g})",
        measured=round(loss, 2),
        threshold=loss_max,
        unit="points",
    )


def _sides(pairs: list[Pair]) -> tuple[list[str], list[str]]:
    return [one.new for one in pairs], [one.old for one in pairs]


def _shown(pair: Pair) -> dict[str, str]:
    picture = base64.b64encode(pair.png).decode()
    return {"label": pair.label, "new": pair.new, "old": pair.old, "png": picture}

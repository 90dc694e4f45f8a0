"""Builds the image of a registered model version."""

import subprocess
import tempfile
from pathlib import Path

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import DEVELOPMENT, image_tag
from slipway_steps.ports import World
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import REVISION, VERSION, StepParameters
from slipway_steps.settings import PROJECT_ROOT, Settings


class Params(StepParameters):
    """The model version whose image is built."""

    model_version: str = Field(description="MLflow's version of the model.", pattern=VERSION)
    revision: str = Field(
        "", description="Source revision of the release; empty: the HEAD of git, where there is one.", pattern=REVISION
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The digest of the built image's manifest."""

    digest: str


def revision(settings: Settings) -> str:
    """The source revision: the setting, else the HEAD of git, else ""."""
    if settings.revision:
        return settings.revision
    try:
        command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def run(params: Params, world: World) -> Outputs:
    """Put the model as one layer on the app's base image, and bind the image's digest and the source revision to the
    version. The same input gives the same digest.
    """
    run_id = world.registry.run_of(params.model_version)
    with tempfile.TemporaryDirectory() as directory:
        package = world.registry.download_package(run_id, Path(directory))
        tag = image_tag(DEVELOPMENT, params.model_version)
        digest = world.images.build(package, params.model_version, tag)
    world.registry.set_image(params.model_version, digest, params.revision or revision(world.settings))
    say(f"built {world.settings.app}:{tag}  {digest}")
    return Outputs(digest=digest)

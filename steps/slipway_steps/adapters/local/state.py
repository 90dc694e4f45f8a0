"""The two files of an environment: spec.json, what it should run (deployments write it), and status.json, what it runs
(its supervisor writes it).
"""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.pods import Pod, Sample
from slipway_steps.files import replace_file


class StateFile(BaseModel):
    """A JSON file that is replaced in one step, so that nobody reads half of it."""

    def write(self, path: Path) -> None:
        """Replace the file by this content. Raises OSError."""
        replace_file(path, self.model_dump_json(indent=1))

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The content of the file; None where it does not exist. Raises PlatformError for a damaged file."""
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise PlatformError(f"{path} cannot be read or is damaged", "remove it and deploy again") from error


class Spec(StateFile):
    """What the environment should run. `generation` counts the changes. `stopped` keeps the candidate but runs nothing
    (`slipway down`). `argv` is the entry point of the image, `rootfs` the directory that it is unpacked to. `watchdog`
    asks for limits without a cgroup.
    """

    generation: int
    candidate: Candidate | None
    rootfs: str = ""
    argv: list[str] = []
    port: int
    memory_limit_bytes: int
    cpu_limit_millicores: int
    watchdog: bool = False
    stopped: bool = False

    @property
    def wanted(self) -> Candidate | None:
        """The candidate that should run now; None where nothing should."""
        return None if self.stopped else self.candidate

    def same_pod(self, other: "Spec") -> bool:
        """Whether both specs describe the same pod. As on Kubernetes, any change of what a pod template contains,
        including the limits, makes a new pod; the generation and the port do not.
        """
        counted = {"generation": other.generation, "port": other.port}
        return self.model_copy(update=counted) == other


class Identity(BaseModel):
    """A process that can be recognised later: its number, and when it was started (Unix seconds)."""

    pid: int
    created: float


class Status(StateFile):
    """What the environment runs. `observed_generation` is the generation of the spec that it answers to, `enforced_by`
    is cgroup or watchdog, `process` is the app's process.
    """

    observed_generation: int = 0
    supervisor: int = 0
    process: Identity | None = None
    port: int = 0
    pod: Pod | None = None
    samples: list[Sample] = []
    peak_memory_bytes: int = 0
    enforced_by: str = ""

"""What an environment should be (spec.json, written by deployments) and what it is (status.json, by its supervisor)."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.pods import Pod, Sample
from slipway_steps.files import replace_file


class _File(BaseModel):
    """A JSON file that is replaced whole, so that nobody reads half of it."""

    def write(self, path: Path) -> None:
        """Replace the file. Raises OSError."""
        replace_file(path, self.model_dump_json(indent=1))

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The content, or None where there is no file. Raises PlatformError for a damaged one."""
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise PlatformError(f"{path} cannot be read or is damaged", "remove it and deploy again") from error


class Spec(_File):
    """What is wanted. `generation` counts its changes; `stopped` keeps it but runs nothing (`slipway down`);
    `argv` is the entry point of the image, `rootfs` where it is unpacked; `watchdog` asks for limits without a cgroup.
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
        """What has to run now."""
        return None if self.stopped else self.candidate

    def same_pod(self, other: "Spec") -> bool:
        """Whether a pod of this spec is one of the other too. Anything that a pod template holds, the limits among it,
        makes a new pod, as on Kubernetes; the generation and the port do not.
        """
        counted = {"generation": other.generation, "port": other.port}
        return self.model_copy(update=counted) == other


class Identity(BaseModel):
    """A process that can be recognised: its number and when it was started (Unix seconds)."""

    pid: int
    created: float


class Status(_File):
    """What is. `observed_generation` tells which spec it answers to; `enforced_by` is cgroup or watchdog; `process` is
    the app's.
    """

    observed_generation: int = 0
    supervisor: int = 0
    process: Identity | None = None
    port: int = 0
    pod: Pod | None = None
    samples: list[Sample] = []
    peak_memory_bytes: int = 0
    enforced_by: str = ""

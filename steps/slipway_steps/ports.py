"""What the steps of a release need of the world, as protocols. Adapters implement them; nothing above adapters asks
which one it has. Every method translates its client's exceptions into `domain.errors`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from slipway_steps.domain.answer import Answer, Shot
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.evidence import Evidence
from slipway_steps.domain.journal import Record
from slipway_steps.domain.pods import Observation
from slipway_steps.domain.verdict import GateReport
from slipway_steps.settings import Settings


class Registry(Protocol):
    """MLflow: runs, model versions, aliases, the journal and the evidence."""

    def log_package(self, release: str, package: Path) -> str:
        """Log a packaged model (see docs/model-package.md) with metrics, parameters, signature and input example in
        the release's run. Returns the run's id. Raises BadInput for a package that breaks its contract.
        """

    def download_package(self, run_id: str, target: Path) -> Path:
        """The packaged model of a run, copied under `target`. Raises BadInput for a run without one."""

    def register(self, run_id: str) -> str:
        """The model version of a run's packaged model, created where it is not yet there. Returns the version."""

    def run_of(self, version: str) -> str:
        """The run id behind a model version. Raises BadInput for an unknown version."""

    def candidate(self, version: str) -> Candidate:
        """The candidate that `set_image` bound to a version. Raises Refused where no image was built for it."""

    def set_image(self, version: str, digest: str, revision: str) -> None:
        """Bind version, image digest and source revision; stamps the digest on evaluation's evidence."""

    def alias(self, name: str) -> str | None:
        """The version an alias points at, or None."""

    def set_alias(self, name: str, version: str) -> None:
        """Point an alias at a version; the same twice changes nothing."""

    def delete_alias(self, name: str) -> None:
        """Remove an alias; one that is not there is no error."""

    def record(self, environment: Environment) -> Record:
        """The journal of an environment; an empty one where nothing was ever written."""

    def write_record(self, environment: Environment, record: Record) -> None:
        """Replace the journal of an environment in one write."""

    def save_report(self, run_id: str | None, report: GateReport, files: Sequence[Path] = ()) -> None:
        """Keep a gate's report (JSON) and further files in the release's run (found by `report.release`, made where
        missing; `run_id` names it where known), and, where the candidate has a version, as its evidence.
        """

    def reports(self, release: str) -> list[GateReport]:
        """All reports of a release, in the order they were made; none for a release that MLflow does not know."""

    def reports_of(self, run_id: str) -> list[GateReport]:
        """All reports in a run."""

    def evidence(self, version: str) -> list[Evidence]:
        """The last word of each gate on a version."""

    def adopt_evaluation(self, run_id: str, version: str) -> None:
        """Make the evaluation report of a run the version's evidence; called once the version is registered."""

    def note(self, version: str, key: str, text: str) -> None:
        """Write a remark on a model version, as tag `slipway.<key>`: why it was reverted, by which release."""


class Images(Protocol):
    """The image store: an OCI layout on disk, or a registry."""

    def build(self, package: Path, version: str, tag: str) -> str:
        """Model layer (model.onnx, contract.json, samples/, versions.txt) on the app base; returns the manifest digest.
        The same input gives the same bytes.
        """

    def tag(self, digest: str, tag: str) -> None:
        """Point a tag at a manifest that is there; its digest stays. Raises ImageError where it is missing."""

    def resolve(self, tag: str) -> str | None:
        """The digest a tag points at, or None."""


class Platform(Protocol):
    """Where the app runs: local processes, or Kubernetes with Argo CD."""

    def deploy(self, environment: Environment, candidate: Candidate) -> None:
        """Bring a candidate to an environment, by digest; returns when that is under way. Idempotent."""

    def empty(self, environment: Environment) -> None:
        """Stop serving in an environment. Idempotent."""

    def deployed(self, environment: Environment) -> Candidate | None:
        """What the environment was last told to serve."""

    def observe(self, environment: Environment) -> Observation:
        """Pods, their states and their usage."""

    def url(self, app_host: str) -> str:
        """The base URL to ask for a service host (`model-app-staging-service...:8000`), without a slash at the end.
        On one machine Service names of the environments resolve to their process; any other host is taken as it is.
        """

    def release_alive(self, release: str) -> bool:
        """Whether the workflow of that name still runs or waits."""

    def label_release(self, release: str, labels: dict[str, str]) -> None:
        """Give the workflow of that name labels, by which people search for it; nothing on one machine."""


class App(Protocol):
    """The served application at one address. Each method raises AppError where it cannot be reached."""

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""

    def version(self) -> Answer:
        """GET /version: which model version and image it serves."""

    def predict(self, image_png: bytes) -> Answer:
        """POST /predict with one image."""

    def test(self) -> Answer:
        """GET /test: the app predicts its own bundled samples."""


class Apps(Protocol):
    """How the served applications are asked."""

    def at(self, url: str, timeout: float = 10.0) -> App:
        """The app at a base URL, as `Platform.url` gives it. `timeout`: seconds to connect, and for each read."""


class LoadGenerator(Protocol):
    """Sends many requests at a time."""

    def fire(self, url: str, image: bytes, requests: int, users: int, seconds: float) -> list[Shot]:
        """Send `requests` predictions by `users` at a time, for at most `seconds`; fewer come back where time ran out.

        Raises Broken where the generator itself failed.
        """


class Notifier(Protocol):
    """Tells people of a release."""

    def notify(self, summary: str, lines: Sequence[str]) -> bool:
        """Send one message; returns False where nobody wants to be told. Raises Broken where it was not accepted."""


class World(Protocol):
    """All that a step may touch.

    A step is handed the whole world, but a member comes into being when it is first asked for (see `adapters.world`):
    a step that only reads the registry neither imports nor makes a platform. So a step has exactly what it uses, no
    list of it beside the code can be wrong, and the helpers that steps share need no long argument lists.
    """

    @property
    def settings(self) -> Settings:
        """The settings of this process, read once."""

    @property
    def registry(self) -> Registry:
        """Models, aliases, journal and evidence."""

    @property
    def images(self) -> Images:
        """The image store."""

    @property
    def platform(self) -> Platform:
        """The environments."""

    @property
    def apps(self) -> Apps:
        """The served applications."""

    @property
    def load_generator(self) -> LoadGenerator:
        """What the load test fires with."""

    @property
    def notifier(self) -> Notifier:
        """What tells people."""

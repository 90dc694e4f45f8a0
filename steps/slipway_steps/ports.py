"""What the steps of a release need from the outside, as protocols. The adapters implement them, and no other code asks
which implementation it has. Every method turns the exceptions of its client library into those of `domain.errors`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from slipway_steps.domain.answer import Answer, RequestResult
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.environment_status import EnvironmentStatus
from slipway_steps.domain.evidence import Evidence
from slipway_steps.domain.journal import Record
from slipway_steps.domain.pods import Observation
from slipway_steps.domain.run_address import RunAddress
from slipway_steps.domain.traffic import Counts, Share
from slipway_steps.domain.verdict import GateReport
from slipway_steps.settings import Settings


class Registry(Protocol):
    """MLflow: runs, model versions, aliases, the journal and the evidence. Each method raises RegistryError where
    MLflow cannot be read or written.
    """

    def prepare_log(self) -> None:
        """Do ahead, while a model is trained, what does not depend on the model: connect and import. `log_package` is
        then quicker.
        """

    def log_package(self, release: str, package: Path) -> str:
        """Log a packaged model (see docs/model-package.md) in the release's run, with its metrics, parameters,
        signature and input example, and, where it has a handler, its model.tar.gz. Returns the run's id. Raises
        BadInput for a package that breaks its contract.
        """

    def download_package(self, run_id: str, target: Path) -> Path:
        """The packaged model of a run, copied under `target`. Raises BadInput for a run without one."""

    def download_archive(self, run_id: str, target: Path) -> Path | None:
        """The model.tar.gz of a run, copied under `target`; None where the packaged model has no handler."""

    def register(self, run_id: str) -> str:
        """The model version of a run's packaged model; it is created if it does not exist yet. Returns the version."""

    def run_of(self, version: str) -> str:
        """The id of the run that a model version was made from. Raises BadInput for an unknown version."""

    def candidate(self, version: str) -> Candidate:
        """The candidate of a version: what `set_image` bound to it. Raises BadInput for an unknown version, Refused
        where no image was built for it.
        """

    def set_image(self, version: str, digest: str, revision: str) -> None:
        """Bind an image digest and a source revision to a version, and write the digest into the evidence of the gates
        that judged its packaged model.
        """

    def alias(self, name: str) -> str | None:
        """The version that an alias points at, or None."""

    def set_alias(self, name: str, version: str) -> None:
        """Point an alias at a version. Doing it twice changes nothing."""

    def delete_alias(self, name: str) -> None:
        """Remove an alias. A missing alias is not an error."""

    def record(self, environment: Environment) -> Record:
        """The journal of an environment; an empty record where none was written yet."""

    def write_record(self, environment: Environment, record: Record) -> None:
        """Replace the journal of an environment in one write."""

    def save_report(self, run_id: str | None, report: GateReport, files: Sequence[Path] = ()) -> None:
        """Store a gate's report (JSON) and further files in the release's run. `run_id` names the run; None: the run of
        `report.release`, which is created if it is missing. If the candidate has a version, the report also becomes its
        evidence.
        """

    def reports(self, release: str) -> list[GateReport]:
        """All reports of a release, in the order in which the gates ran; none for a release that MLflow does not
        know.
        """

    def reports_of(self, run_id: str) -> list[GateReport]:
        """All reports in a run, in the order in which the gates ran."""

    def run_address(self, release: str) -> RunAddress | None:
        """Where the release's run is; None for a release that MLflow does not know."""

    def save_page(self, release: str, page: Path) -> RunAddress:
        """Store the HTML report under `report/` of the release's run, which is created if it is missing. Returns where
        that run is.
        """

    def evidence(self, version: str) -> list[Evidence]:
        """The evidence on a version: the newest verdict of each gate."""

    def adopt_reports(self, run_id: str, version: str) -> None:
        """Make the reports on the packaged model of a run the evidence of a version. Called once the version is
        registered.
        """

    def note(self, version: str, key: str, text: str) -> None:
        """Write a remark on a model version as tag `slipway.<key>`, such as why it was reverted and by which
        release.
        """


class Images(Protocol):
    """The image store: an OCI layout on disk, or a registry. Each method raises ImageError where it cannot be read or
    written.
    """

    def build(self, package: Path, version: str, tag: str) -> str:
        """Build an image from the app's base and one layer with the model (model.onnx, contract.json, samples/,
        versions.txt), and give it a tag. Returns the digest of its manifest. The same input gives the same bytes.
        """

    def tag(self, digest: str, tag: str) -> None:
        """Point a tag at an existing manifest, whose digest does not change. Raises ImageError where it is missing."""

    def resolve(self, tag: str) -> str | None:
        """The digest that a tag points at, or None."""

    def verify(self, digest: str) -> None:
        """Read an image and compute its digests again. A registry is asked for the manifest alone, and whether it has
        what that names. Raises ImageError where something is missing or damaged.
        """


class Platform(Protocol):
    """Where the app runs: processes of this machine, or Kubernetes with Argo CD. Each method raises PlatformError where
    an environment cannot be read or changed.
    """

    def deploy(self, environment: Environment, candidate: Candidate, release: str = "") -> None:
        """Deploy a candidate to an environment by its digest. Returns when the deployment has been accepted, not when
        it is ready. Doing it twice changes nothing. release: the workflow that does it, which a platform with a history
        of its own keeps there.
        """

    def empty(self, environment: Environment, release: str = "") -> None:
        """Stop serving in an environment. Doing it twice changes nothing."""

    def deployed(self, environment: Environment) -> Candidate | None:
        """The candidate that was last deployed to the environment, or None."""

    def observe(self, environment: Environment) -> Observation:
        """The pods of an environment and their states. It has no `samples` where usage is measured by `measure`
        alone.
        """

    def measure(self, environment: Environment) -> Observation:
        """Like `observe`, with the resource usage of the pods: samples are collected from one call to the next."""

    def url(self, app_host: str) -> str:
        """The base URL, without a slash at its end, of a service host (`model-app-staging-service...:8000`). On one
        machine the Service names of the environments lead to their processes; any other host is used as it is.
        """

    def status(self, environment: Environment) -> EnvironmentStatus:
        """What stands in the environment, in one line. Changes nothing."""

    def stored_workflow(self, release: str) -> dict[str, Any] | None:
        """The Workflow of that name as Argo stores it now. None where there is none, and on one machine, where the
        engine writes it only at its end.
        """

    def unschedulable(self, pod: str) -> str:
        """Why no node took a pod of a workflow, in the scheduler's words; "" where one took it, or nobody knows."""

    def release_alive(self, release: str) -> bool:
        """Whether the workflow of that name still runs or waits."""

    def label_release(self, release: str, labels: dict[str, str]) -> None:
        """Add labels to the workflow of that name, so that people can search for it. On one machine this does
        nothing.
        """


class Traffic(Protocol):
    """The route of production's users, which may send a share of the requests to the canary. Each method raises
    PlatformError where the route cannot be read or changed.
    """

    def share(self) -> Share:
        """How requests are shared out now. Before the first change production gets all."""

    def set_share(self, share: Share) -> None:
        """Share requests out anew. Returns once the route does. Doing it twice changes nothing."""

    def url(self) -> str:
        """The base URL at which users reach the route; "" where nobody told it."""

    def counts(self, environment: Environment) -> list[Counts]:
        """What each pod of an environment has answered since it started. Raises AppError where one does not tell."""


class App(Protocol):
    """The served application at one address. Each method raises AppError where the app cannot be reached."""

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""

    def version(self) -> Answer:
        """GET /version: which model version and image it serves."""

    def predict(self, image_png: bytes) -> Answer:
        """POST /predict with one image, the bytes of a PNG file."""

    def test(self) -> Answer:
        """GET /test: the app predicts its own bundled samples."""


class Apps(Protocol):
    """Gives access to the served applications."""

    def at(self, url: str, timeout: float = 10.0) -> App:
        """The app at a base URL, as `Platform.url` gives it. `timeout`: seconds to connect, and for each read."""


class LoadGenerator(Protocol):
    """Sends many requests at the same time."""

    def send(self, url: str, image: bytes, requests: int, users: int, seconds: float) -> list[RequestResult]:
        """Send `requests` predictions, `users` at a time, for at most `seconds`. The result has fewer entries where the
        time ran out.

        Raises Broken where the load generator itself failed.
        """


class Notifier(Protocol):
    """Sends people messages about a release or a performance test."""

    def notify(self, summary: str, lines: Sequence[str], failed: bool = True, key: str = "") -> bool:
        """Send one message. `failed`: somebody has to do something; a receiver that wakes people gets no other, but the
        end of what it was told of.

        key: names what the message is about, where a later one tells that it is well again: such a message, with
        `failed` false and the same key, ends the alert.

        Returns False where nothing was sent, because no receiver is configured or it gets no such message. Raises
        Broken where the message was not accepted.
        """


class World(Protocol):
    """Everything outside of a step that it may use.

    A step is given the whole world, but each member is only created when it is first used (see `adapters.world`): a
    step that only reads the registry neither imports nor creates a platform. So nobody has to keep a list of what a
    step uses, and the helpers that steps share need no long argument lists.
    """

    @property
    def settings(self) -> Settings:
        """The settings of this process, which are read once."""

    @property
    def registry(self) -> Registry:
        """MLflow: models, aliases, the journal and the evidence."""

    @property
    def images(self) -> Images:
        """The store of the app's images."""

    @property
    def platform(self) -> Platform:
        """The environments that the app is deployed to."""

    @property
    def traffic(self) -> Traffic:
        """The route of production's users."""

    @property
    def apps(self) -> Apps:
        """Access to the served applications."""

    @property
    def load_generator(self) -> LoadGenerator:
        """What sends the requests of the load test."""

    @property
    def notifier(self) -> Notifier:
        """What sends people messages about a release."""

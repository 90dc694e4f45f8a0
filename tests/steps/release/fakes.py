"""The world as the actions see it, in memory: quick enough to be killed at every single change, thousands of times.

The real adapters are driven by test_killed.py; these only have to keep what the protocols of ports.py promise.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_steps.domain.answer import Answer
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import AppError, Refused
from slipway_steps.domain.evidence import Evidence
from slipway_steps.domain.journal import Record
from slipway_steps.domain.pods import ContainerState, Observation, Pod
from slipway_steps.domain.run_address import RunAddress
from slipway_steps.domain.traffic import Share
from slipway_steps.domain.verdict import RELEASE_GATES, Verdict
from slipway_steps.settings import Settings


@dataclass(frozen=True)
class FakeWorld:
    """A world of what a test gives; whatever else is asked for is None, and fails."""

    settings: Settings
    registry: Any = None
    images: Any = None
    platform: Any = None
    apps: Any = None
    load_generator: Any = None
    notifier: Any = None
    traffic: Any = None


class Killed(BaseException):
    """Stands for kill -9: a BaseException, so that no error handler of the action runs."""


@dataclass
class Fuse:
    """Kills at the n-th change of the world: just before it, or just after."""

    left: int | None = None
    before: bool = True
    changes: int = 0

    def change(self, do: Any) -> None:
        self.changes += 1
        if self.left is not None:
            self.left -= 1
            if self.left <= 0 and self.before:
                raise Killed
        do()
        if self.left is not None and self.left <= 0:
            raise Killed


@dataclass
class Memory:
    """MLflow, the image store and the platform in one; every change of it goes through the fuse."""

    fuse: Fuse = field(default_factory=Fuse)
    records: dict[Environment, Record] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    running: dict[Environment, Candidate | None] = field(default_factory=dict)
    sick: set[tuple[Environment, str]] = field(default_factory=set)
    proofs: dict[str, list[Evidence]] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, list[Any]] = field(default_factory=dict)

    messages: list[tuple[str, list[str], bool]] = field(default_factory=list)
    stored: dict[str, Any] | None = field(default_factory=dict)
    no_node: dict[str, str] = field(default_factory=dict)
    shared: Share = field(default_factory=Share)

    def world(self) -> FakeWorld:
        settings = Settings(home=Path("/nonexistent"), healthy_timeout=0.0)
        return FakeWorld(settings, self, self, self, apps=self, notifier=self, traffic=self)

    @staticmethod
    def candidate(version: str) -> Candidate:
        if not version.isdigit():
            raise Refused(f"no version {version}")
        return Candidate(version=version, digest=f"sha256:{int(version):064d}")

    def prove(self, version: str, verdict: Verdict = Verdict.PASS, release: str = "r") -> None:
        digest = self.candidate(version).digest
        self.proofs[version] = [
            Evidence(gate=gate, verdict=verdict, version=version, digest=digest, release=release, at=0.0)
            for gate in RELEASE_GATES
        ]

    # registry
    def record(self, environment: Environment) -> Record:
        return self.records.get(environment, Record())

    def write_record(self, environment: Environment, record: Record) -> None:
        self.fuse.change(lambda: self.records.__setitem__(environment, record))

    def alias(self, name: str) -> str | None:
        return self.aliases.get(name)

    def set_alias(self, name: str, version: str) -> None:
        self.fuse.change(lambda: self.aliases.__setitem__(name, version))

    def delete_alias(self, name: str) -> None:
        self.fuse.change(lambda: self.aliases.pop(name, None))

    def evidence(self, version: str) -> list[Evidence]:
        return self.proofs.get(version, [])

    def note(self, version: str, key: str, text: str) -> None:
        self.fuse.change(lambda: self.notes.__setitem__((version, key), text))

    # images
    def tag(self, digest: str, tag: str) -> None:
        self.fuse.change(lambda: self.tags.__setitem__(tag, digest))

    def resolve(self, tag: str) -> str | None:
        return self.tags.get(tag)

    # platform
    def deployed(self, environment: Environment) -> Candidate | None:
        return self.running.get(environment)

    def deploy(self, environment: Environment, candidate: Candidate, release: str = "") -> None:
        self.fuse.change(lambda: self.running.__setitem__(environment, candidate))

    def empty(self, environment: Environment, release: str = "") -> None:
        self.fuse.change(lambda: self.running.__setitem__(environment, None))

    def healthy(self, environment: Environment) -> bool:
        now = self.running.get(environment)
        return now is not None and (environment, now.version) not in self.sick

    def observe(self, environment: Environment) -> Observation:
        now = self.running.get(environment)
        well = self.healthy(environment)
        state = ContainerState(kind="running" if well else "waiting", reason="" if well else "CrashLoopBackOff")
        pods = (
            [Pod(name="p", phase="Running", ready=well, restarts=0 if well else 3, digest=now.digest, state=state)]
            if now
            else []
        )
        return Observation(
            environment=environment,
            pods=pods,
            samples=[],
            metrics_available=True,
            memory_limit_bytes=1,
            cpu_limit_millicores=1,
        )

    def release_alive(self, release: str) -> bool:
        return release in self.alive

    def label_release(self, release: str, labels: dict[str, str]) -> None:
        self.labels[release] = labels

    # traffic
    def share(self) -> Share:
        return self.shared

    def set_share(self, share: Share) -> None:
        self.fuse.change(lambda: setattr(self, "shared", share))

    # apps and notifier
    def url(self, app_host: str) -> str:
        return app_host

    def at(self, url: str, timeout: float = 0.0) -> "MemoryApp":
        return MemoryApp(self, url)

    def notify(self, summary: str, lines: list[str], failed: bool = True, key: str = "") -> bool:
        self.messages.append((summary, lines, failed))
        return True

    def run_address(self, release: str) -> RunAddress | None:
        return RunAddress("3", "abc") if release in self.told else None

    def stored_workflow(self, release: str) -> dict[str, Any] | None:
        return self.stored

    def unschedulable(self, pod: str) -> str:
        return self.no_node.get(pod, "")

    # reports of releases: release -> gates' reports
    def reports(self, release: str) -> list[Any]:
        return self.told.get(release, [])


@dataclass(frozen=True)
class MemoryApp:
    """Answers for what runs in the environment whose Service the address names."""

    memory: Memory
    url: str

    def _served(self) -> Candidate:
        named = {service_host("model-app", environment): environment for environment in Environment}
        environment = named[self.url]
        served = self.memory.running.get(environment)
        if served is None or not self.memory.healthy(environment):
            raise AppError(f"{self.url} got no answer")
        return served

    def version(self) -> Answer:
        served = self._served()
        return Answer(200, {"version": served.version, "digest": served.digest}, "", 1.0)

    def test(self) -> Answer:
        return Answer(200, {"version": self._served().version, "right": 10}, "", 1.0)

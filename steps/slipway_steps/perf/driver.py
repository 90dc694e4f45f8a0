"""Runs one session: prepares its target, drives its mode, judges what was measured, and leaves nothing behind."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slipway_steps.domain.errors import BadInput, Broken, SlipwayError, WorkflowInvalid
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession, RunSample
from slipway_steps.perf.checks import checks_of
from slipway_steps.perf.keeping import judged_anew, not_stored
from slipway_steps.perf.kinds import schedule_of
from slipway_steps.perf.limits import unmeasured_in
from slipway_steps.perf.modes import mode_of
from slipway_steps.perf.plugins import PerformancePlugin, ask_plugins, installed_plugins
from slipway_steps.perf.runner import PerfContext, Runner
from slipway_steps.perf.signals import Signals
from slipway_steps.perf.store import SessionStore
from slipway_steps.perf.told import measures, text
from slipway_steps.perf.yardstick import unsteady
from slipway_steps.perf_ports import Target

THREADS = 256
"""Threads for blocking calls: more than the runs at a time, and requests that wait for a server that stalls."""
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What the names of sessions are made of, as those of Kubernetes: no vowels, and nothing that looks like another."""


class SessionInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM has ended a session. `session` holds what was measured until then; it has been stored, unless
    its checks say otherwise.
    """

    def __init__(self, session: PerfSession) -> None:
        super().__init__("interrupted")
        self.session = session


def run_session(
    scenario: PerfScenario,
    target: Target,
    *,
    directory: Path,
    pipeline: Path | None,
    revision: str,
    modes: Mapping[str, type[Runner]] | None = None,
    plugins: Mapping[str, PerformancePlugin] | None = None,
    on_progress: Callable[[RunSample], None] | None = None,
) -> PerfSession:
    """Run a scenario and store what was measured; returns the session, judged.

    directory: holds the directories of all sessions. pipeline: the file of the pipeline; None where the mode needs
    none. revision: of the source that is measured. modes: more modes by name, before those that are installed.
    plugins: more plugins by name, beside those that are installed. on_progress: called with each run that has ended.

    Raises BadInput and WorkflowInvalid before anything is started, Broken where nothing can be stored even before the
    first run, SessionInterrupted after Ctrl-C or SIGTERM, and KeyboardInterrupt where these came before the first run.
    """
    name = f"perf-{''.join(secrets.choice(ALPHABET) for _ in range(5))}"
    mode = (modes or {}).get(scenario.mode) or mode_of(scenario.mode)
    if mode.needs_pipeline and pipeline is None:
        raise BadInput(f"mode {scenario.mode} needs a pipeline", "set pipelineFileName")
    session = PerfSession(
        name=name,
        scenario=scenario,
        scenario_digest=scenario_digest(scenario, pipeline),
        revision=revision,
        fingerprint=target.fingerprint(),
        started=time.time(),
        finished=0,
        unmeasured=dict(target.unmeasured),
    )
    with Signals() as signals:
        store = SessionStore(directory, name)
        ended = begun = False
        try:
            # before anything is made, so that `slipway perf clean` finds it after a kill at any moment
            store.begin(session)
            begun = True
            signals.raising()
            target.prepare(name, scenario, pipeline)
            session = _Driving(session, target, store, pipeline, on_progress, signals).run(mode, plugins or {})
            ended = True
        finally:
            signals.waiting()
            left = remove_all(target, name) if begun else ""
            if not ended:
                store.discard()
            store.close(removed=not left)
        session = session.model_copy(update={"notes": [*session.notes, left]}) if left else session
        if signals.interrupted:
            raise SessionInterrupted(session)
    return session


def remove_all(target: Target, session: str) -> str:
    """Remove all that a session made; returns what went wrong, "" for nothing."""
    try:
        target.remove(session)
    except SlipwayError as error:
        return f"not all of {session} could be removed: {error}; try again: slipway perf clean"
    return ""


def scenario_digest(scenario: PerfScenario, pipeline: Path | None) -> str:
    """A short name of what is measured: the scenario, and the content of its pipeline's file."""
    content = pipeline.read_bytes() if pipeline else b""
    # what judges a session is no part of what it measures
    told = scenario.model_dump_json(exclude={"name", "limits", "thresholds", "max_error_rate", "allow_more"})
    return hashlib.sha256(told.encode() + b"\0" + content).hexdigest()[:12]


class _Driving:
    """One session while it runs."""

    def __init__(
        self,
        session: PerfSession,
        target: Target,
        store: SessionStore,
        pipeline: Path | None,
        on_progress: Callable[[RunSample], None] | None,
        signals: Signals,
    ) -> None:
        self.session, self.target, self.store, self.pipeline = session, target, store, pipeline
        self.on_progress, self.signals = on_progress, signals

    def run(self, mode: type[Runner], plugins: Mapping[str, PerformancePlugin]) -> PerfSession:
        """Drive the mode to its end, ask the plugins, judge, and store the session. One that cannot be stored says so
        in its checks: it is all that is left of its runs.
        """
        self.signals.waiting()
        context = self._new_context()
        try:
            asyncio.run(self._drive(mode, context))
        except SystemExit as error:  # of a task that the mode has started
            context.errors.append(self._fault(error))
        faults: list[str] = []
        asked = ask_plugins(installed_plugins(faults.append) | dict(plugins), context, faults.append)
        session = self.session.model_copy(
            update={
                "finished": time.time(),
                # a cluster's target learns from its pods what it can measure, and what runs them
                "unmeasured": unmeasured_in(context.runs, self.target.unmeasured),
                "fingerprint": self.target.fingerprint(),
                "runs": sorted((self._checked(run, context) for run in context.runs), key=lambda run: run.started),
                "requests": context.requests,
                "firings": context.firings,
                "measures": measures(context.measures, lambda told: context.errors.append(self._named(told))),
                "errors": list(dict.fromkeys(map(text, context.errors))),
                "notes": [*map(text, context.notes), *self.target.notes, *faults],
                "plugins": asked,
            }
        )
        if note := unsteady(session):
            session = session.model_copy(update={"notes": [*session.notes, note]})
        session = judged_anew(session, checks_of(session, interrupted=self.signals.interrupted))
        try:
            self.store.finish(session)
        except Broken as error:
            return not_stored(session, error)
        return session

    def _new_context(self) -> PerfContext:
        scenario = self.session.scenario
        context = PerfContext(
            name=self.session.name,
            scenario=scenario,
            target=self.target,
            pipeline=self.pipeline,
            directory=self.store.directory,
            deadline=time.time() + (scenario.start_time + scenario.run_time) * 60,
            schedule=schedule_of(scenario.kind),
            add=lambda sample: self._add(self._checked(sample, context)),
        )
        return context

    async def _drive(self, mode: type[Runner], context: PerfContext) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "perf"))
        self.signals.stopping(lambda: loop.call_soon_threadsafe(context.stop.set))
        try:
            await context.pause(self.session.scenario.start_time * 60)
            await self._guarded(mode, context)
        finally:
            self.signals.waiting()

    async def _guarded(self, mode: type[Runner], context: PerfContext) -> None:
        """Drive a mode. Its error is named and costs no run that has ended; what the user gave wrong is raised."""
        try:
            await mode(context).run()
        except (Exception, SystemExit) as error:  # a mode of another package may raise anything
            for one in _leaves(error):
                if isinstance(one, (BadInput, WorkflowInvalid)):
                    raise one from error
                context.errors.append(self._fault(one))

    def _fault(self, error: BaseException) -> str:
        return self._named(str(error) if isinstance(error, SlipwayError) else repr(error))

    def _named(self, fault: str) -> str:
        return f"mode {self.session.scenario.mode}: {fault}"

    def _checked(self, sample: RunSample, context: PerfContext) -> RunSample:
        """A run without what its mode measured beside that is no number; each is named as an error of the session."""
        found = measures(sample.measures, lambda told: context.errors.append(self._named(told)))
        return sample.model_copy(update={"measures": found})

    def _add(self, sample: RunSample) -> None:
        self.store.add(sample)
        if self.on_progress:
            self.on_progress(sample)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, and of the groups in it; an error that is no group itself."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error

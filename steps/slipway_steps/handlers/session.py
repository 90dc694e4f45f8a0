"""One packaged model under test: unpacked, inspected, its samples read, and its handler loaded once for all tests."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from slipway_steps.adapters.handlers.answer import Answer, Loaded, Request
from slipway_steps.adapters.handlers.archive import Unpacked, unpack
from slipway_steps.adapters.handlers.process import WorkerLimits
from slipway_steps.adapters.handlers.scratch import Scratch, scratch
from slipway_steps.adapters.handlers.worker import HandlerWorker
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import Fault, InferenceHandlerSpec, InferenceTestSample
from slipway_steps.handlers.inspection import Inspection, inspect_package
from slipway_steps.handlers.requirements import install, missing_faults
from slipway_steps.handlers.samples import load_samples
from slipway_steps.handlers.source import loads_alike
from slipway_steps.settings import read_settings

PAYLOADS = "payloads"
"""The directory of a package that holds its samples."""


class HandlerSession:
    """What the tests of one handler share. Made by `open_handler`."""

    def __init__(self, spec: InferenceHandlerSpec, unpacked: Unpacked, temporary: Scratch) -> None:
        self.spec, self.unpacked, self.temporary = _with_paths(spec, unpacked.directory), unpacked, temporary
        self.started = time.monotonic()
        self._worker: HandlerWorker | None = None
        self.loaded: Loaded | None = None
        self.libraries: Path | None = None

    @property
    def package(self) -> Path:
        """The directory of the unpacked package."""
        return self.unpacked.directory

    @cached_property
    def inspection(self) -> Inspection:
        """What the package's files show."""
        return inspect_package(self.package)

    @property
    def sample_directory(self) -> Path | None:
        """The directory of samples that is given, else that of the package; None without one. Raises BadInput."""
        given = self.spec.payload_samples_path
        if given is not None and not given.is_dir():
            raise BadInput(f"there is no directory of samples {given}", "name another by --samples, or leave it out")
        directory = given or self.package / PAYLOADS
        return directory if directory.is_dir() else None

    @cached_property
    def samples(self) -> list[InferenceTestSample]:
        """The samples that are given, else those of the package. Raises BadInput for what is no sample."""
        return load_samples(self.sample_directory) if self.sample_directory else []

    @property
    def worker(self) -> HandlerWorker:
        """The process of the handler, which is started when it is first needed."""
        if self._worker is None:
            self._worker = HandlerWorker(
                self.package, self.spec.python, self.temporary, self.limits(), self.spec.workers, self.libraries
            )
        return self._worker

    def limits(self) -> WorkerLimits:
        """The limits of a process that runs the user's code in this session."""
        spec, watchdog = self.spec, read_settings().limits == "watchdog"
        return WorkerLimits(spec.memory_bytes, spec.request_timeout, self.started + spec.timeout, watchdog)

    def missing(self) -> tuple[list[Fault], list[str]]:
        """The faults of imports that nothing satisfies, and the modules that still have to be installed."""
        imports = list(self.inspection.imports)
        return missing_faults(self.inspection, self.worker.missing(imports) if imports else [])

    def install(self) -> None:
        """Install code/requirements.txt beside the package, for this handler alone."""
        self.close_worker()
        self.libraries = install(self.package, self.spec.python, self.unpacked.directory.parent, self.temporary)

    def load(self) -> Loaded:
        """Load the handler; once."""
        if self.loaded is None:
            self.loaded = self.worker.load()
        return self.loaded

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests one after another."""
        return self.worker.send(requests)

    def take_code(self, code: Path) -> bool:
        """Test other files of code/ from now on, with a time of its own. The model stays loaded, unless what loads it
        has changed.

        Only for a session with a private copy of the package. Returns whether the model stayed. Raises BadInput for
        files that cannot be read; the ones before are tested on then.
        """
        fresh = self.temporary.path / "code"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            shutil.copytree(code, fresh, ignore=shutil.ignore_patterns("__pycache__"))
        except (OSError, shutil.Error) as error:
            raise BadInput(f"{code} cannot be read: {error}", "it is read again when it changes") from error
        before = self.inspection.source
        self.unpacked = replace(self.unpacked, digest="")  # it is no longer what was packed
        shutil.rmtree(self.package / "code")
        fresh.rename(self.package / "code")
        del self.inspection
        self.started = time.monotonic()
        kept = self.loaded is not None and self.loaded.loaded and loads_alike(before, self.inspection.source)
        if not (kept and self.worker.reload(self.limits())):
            self.close_worker()
            return False
        return True

    def close_worker(self) -> None:
        """End the handler's process."""
        if self._worker is not None:
            self._worker.close()
        self._worker, self.loaded = None, None


def _with_paths(spec: InferenceHandlerSpec, package: Path) -> InferenceHandlerSpec:
    """The spec with what the package holds, by file name for the model and the code, by directory for data."""
    parts = {
        "model_paths": (one for one in package.iterdir() if one.is_file()),
        "code_paths": (package / "code").glob("*.py"),
        "data_paths": (one for one in package.iterdir() if one.is_dir() and one.name != "code"),
    }
    return spec.model_copy(
        update={
            name: {one.name: str(one) for one in sorted(paths)}
            for name, paths in parts.items()
            if not getattr(spec, name)
        }
    )


@contextmanager
def open_handler(
    spec: InferenceHandlerSpec, store: Path | None = None, *, with_install: bool = False, private: bool = False
) -> Iterator[HandlerSession]:
    """A session for the time of a `with` block. store: where packages are unpacked; None: `handlers/` of our state.

    with_install: whether code/requirements.txt is installed. private: whether the session gets a copy of the package,
    whose code/ may change. Raises BadInput for a package that cannot be used.
    """
    place = store if store is not None else read_settings().home / "handlers"
    unpacked = unpack(spec.packaged_model_path, place)
    with scratch(place) as temporary:
        if private:
            copy = temporary.path / "package"
            shutil.copytree(unpacked.directory, copy, copy_function=shutil.copyfile)
            for path in (copy, *copy.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            unpacked = replace(unpacked, directory=copy)
        session = HandlerSession(spec, unpacked, temporary)
        try:
            if with_install:
                session.install()
            yield session
        finally:
            session.close_worker()

"""A handler meets what it meets inside the server's worker."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway_steps.adapters.handlers.programs.handler_surroundings import act_as_the_worker, unredirected


@pytest.fixture
def _worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", "/w/tmp")
    monkeypatch.setattr(sys, "argv", ["handler_child.py"])
    before = signal.getsignal(signal.SIGTERM)
    act_as_the_worker("/w/package")
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_worker")
def test_it_has_the_arguments_of_the_worker() -> None:
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    assert Path(sys.argv[0]).name == "model_service_worker.py"
    assert Path(sys.argv[0]).is_file()
    assert (given["--model-path"], given["--sock-name"]) == ("/w/package", "/w/tmp/.mms.sock.9000")


@pytest.mark.usefixtures("_worker")
def test_a_polite_signal_does_not_end_it() -> None:
    os.kill(os.getpid(), signal.SIGTERM)  # ends this test, and all others, where it does


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_prints_that_cannot_be_redirected_are_told(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "printed").open("w") as printed:
        monkeypatch.setattr(sys, "stdout", printed)
        monkeypatch.setattr(sys, "stderr", printed)
        assert unredirected() == ""
        for replaced in (io.StringIO(), None):
            monkeypatch.setattr(sys, name, replaced)
            assert unredirected().startswith("sys.stdout or sys.stderr was replaced or closed: ")
    monkeypatch.setattr(sys, name, printed)
    assert "closed file" in unredirected()

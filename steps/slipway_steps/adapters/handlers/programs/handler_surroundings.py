"""What a handler finds and meets inside the server's own worker: arguments, signals, where its prints go."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import mms


def act_as_the_worker(directory: str) -> None:
    """Do what the worker does before it loads a model.

    A handler that reads arguments meets those of the worker, and SIGTERM does not end it.
    """
    temporary = os.environ["TMPDIR"]
    sys.argv = [str(Path(mms.__file__).with_name("model_service_worker.py")), "--sock-type", "unix"]
    sys.argv += ["--sock-name", f"{temporary}/.mms.sock.9000"]
    sys.argv += ["--handler", "sagemaker_inference.default_handler_service", "--model-path", directory]
    sys.argv += ["--model-name", "model", "--preload-model", "false", "--tmp-dir", temporary]
    signal.signal(signal.SIGTERM, lambda *_: None)


def unredirected() -> str:
    """Why the worker dies once it has loaded the handler; "" where it does not.

    It redirects what the handler prints, for which sys.stdout and sys.stderr need descriptors.
    """
    try:
        sys.stdout.fileno()
        sys.stderr.fileno()
    except Exception as error:
        return f"sys.stdout or sys.stderr was replaced or closed: {error}"
    return ""

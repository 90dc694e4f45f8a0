"""Requests to a packaged model's handler under the real inference toolkit, in a Python of their own: the toolkit
imports code/inference.py by that name, once in a process.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

PROGRAM = """
import json, sys
from base64 import b64decode, b64encode
from mms.context import Context, RequestProcessor
from sagemaker_inference.transformer import Transformer

transformer = Transformer()
for line in sys.stdin:
    body, content_type, accept = json.loads(line)
    context = Context("model", sys.argv[1], {}, 1, None, "1")
    context.request_processor = [RequestProcessor({"Content-Type": content_type, "Accept": accept})]
    (answer,) = transformer.transform([{"body": bytearray(b64decode(body))}], context)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    phrase = context.get_response_status(0)[1]
    print(json.dumps([context.get_response_status(0)[0], phrase, context.get_response_content_type(0), text]))
"""


class ToolkitAnswer(NamedTuple):
    """status and phrase of the answer; what output_fn returned, as text."""

    status: int
    phrase: str | None
    content_type: str | None
    text: str


def ask(package: Path, *requests: tuple[bytes, str, str]) -> list[ToolkitAnswer]:
    """The answers to requests (body, content type, accept), with the model loaded once."""
    lines = "\n".join(json.dumps([b64encode(body).decode(), *types]) for body, *types in requests)
    environment = {**os.environ, "PYTHONPATH": str(package / "code"), "SAGEMAKER_PROGRAM": "inference.py"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM, str(package)],  # the package may be that of all tests
        input=lines,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [ToolkitAnswer(*json.loads(line)) for line in done.stdout.splitlines()]

"""Answers of the real server, recorded: tests/handlers/answers.jsonl and answers_more.jsonl.

`python tests/recorded_answers.py FILE` asks the real server every case of such a file again and writes its answers into
it; that needs Java. One line is one case: `source` is code/inference.py, `request` the request (its body may be only
the start of `bytes` bytes, which repeats), `answer` what the client got, or null with the reason in `no_answer`, and
`ping` and `ping_after` what /ping said. A traceback is cut off the body, and the package's path is MODEL_DIR. `timeout`
are the seconds after which the server gives the worker up, where they are not the usual ones.
"""

import base64
import json
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_steps.adapters.handlers.scratch import scratch
from slipway_steps.adapters.handlers.server import ModelServer, model_server

FILES = [Path(__file__).parent / "handlers" / name for name in ("answers.jsonl", "answers_more.jsonl")]
SHOWN = 400
"""Characters of a body or a phrase that are recorded."""
PATIENCE = 25.0
"""Seconds after which an answer counts as none, when it is recorded."""
DIED = "Worker died."


@dataclass(frozen=True)
class Case:
    """One recorded request with its answer."""

    told: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.told["case"])

    @property
    def source(self) -> str:
        return str(self.told["source"])

    @property
    def timeout(self) -> int:
        return int(self.told.get("timeout", 60))

    @property
    def content_type(self) -> str | None:
        return self.told["request"]["content_type"]

    @property
    def accept(self) -> str | None:
        return self.told["request"]["accept"]

    @property
    def body(self) -> bytes:
        start, size = base64.b64decode(self.told["request"]["body"]), self.told["request"]["bytes"]
        return (start * (size // len(start) + 1))[:size] if start else b""

    @property
    def answer(self) -> dict[str, Any] | None:
        return self.told["answer"]

    @property
    def died(self) -> bool:
        return self.answer is not None and DIED in self.answer["body"]


def cases(*files: Path) -> list[Case]:
    return [Case(json.loads(line)) for file in files or FILES for line in file.read_text().splitlines()]


def by_package(found: list[Case]) -> list[list[Case]]:
    """The cases in groups that can be asked one after another: a package is loaded once for all its requests."""
    groups = defaultdict(list)
    for case in found:
        groups[case.source, case.timeout, case.name if case.died or case.answer is None else ""].append(case)
    return list(groups.values())


def package(directory: Path, source: str) -> Path:
    (directory / "code").mkdir(parents=True)
    (directory / "code" / "inference.py").write_text(source)
    return directory


def recorded(status: int, reason: str, content_type: str | None, body: bytes, package: Path) -> dict[str, Any]:
    """An answer as it is recorded."""

    def start(text: str) -> str:
        return text.replace(str(package), "MODEL_DIR").split("\nTraceback")[0][:SHOWN]

    shown = start(body.decode("utf-8", "replace"))
    return {"status": status, "reason": start(reason), "content_type": content_type, "body": shown}


def ask(server: ModelServer, case: Case, package: Path, timeout: float = PATIENCE) -> dict[str, Any]:
    """What the real server answers, as it is recorded."""
    ping = server.ping()
    got = server.ask(case.body, case.content_type, case.accept, timeout=timeout)
    answer = None if got.no_answer else recorded(got.status, got.reason, got.content_type, got.body, package)
    after, until = server.ping(), time.monotonic() + 2
    while answer and DIED in answer["body"] and after[1] == "Healthy" and time.monotonic() < until:
        time.sleep(0.02)  # the client may know of the death before /ping does
        after = server.ping()
    told = {"answer": answer, "no_answer": got.no_answer or None}
    return told | {"ping": list(ping), "ping_after": list(after)}


def main(file: Path) -> None:
    lines = []
    for case in cases(file):
        with scratch(Path(tempfile.gettempdir())) as own:
            directory = package(own.path / "package", case.source)
            with model_server(directory, sys.executable, own, timeout=case.timeout) as server:
                found = ask(server, case, directory)
        print(case.name, "as before" if found["answer"] == case.answer else found, flush=True)
        lines.append(json.dumps(case.told | found))
    file.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

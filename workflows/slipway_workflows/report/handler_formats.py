"""The result of a handler's test in the formats that other programs read: JUnit XML, and SARIF for code hosts."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slipway_steps.domain.handler import Exchange, Fault, InferenceTestResult
from slipway_steps.domain.verdict import Verdict

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
PAGE = "docs/handlers.md"


BASE = "PACKAGE"
"""SARIF's name for the root of an archive: its files lie in no repository that a code host could show."""


def sarif(result: InferenceTestResult, directory: Path | None) -> str:
    """The faults as SARIF 2.1.0, with the file and line that each was seen at.

    directory: the one that was tested, to which the paths lead from the root of its Git repository, else from the
    working directory; None where an archive was tested, in which they begin.
    """
    kinds = {fault.code: fault.kind for fault in result.faults}
    rules = [
        {
            "id": kind.code,
            "shortDescription": {"text": kind.sentence},
            "help": {"text": f"The real server: {kind.server}. Mend it: {kind.advice}. See {PAGE}."},
        }
        for kind in kinds.values()
    ]
    driver = {"name": "slipway test-handler", "rules": rules}
    results = [_result(fault, directory) for fault in result.faults]
    run: dict[str, Any] = {"tool": {"driver": driver}, "invocations": [_invocation(result)], "results": results}
    if directory is None:
        run["originalUriBaseIds"] = {BASE: {"description": {"text": f"the root of the archive {result.handler_name}"}}}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)


def _invocation(result: InferenceTestResult) -> dict[str, Any]:
    """Whether the test came to its end: without results a test that did not would look as if nothing were wrong."""
    if result.verdict in (Verdict.PASS, Verdict.REJECT) and not result.errors:
        return {"executionSuccessful": True}
    reasons = result.errors or [f"the verdict is {result.verdict}, for no reason that is known"]
    told = [{"level": "error", "message": {"text": one}} for one in reasons]
    return {"executionSuccessful": False, "toolExecutionNotifications": told}


def _result(fault: Fault, directory: Path | None) -> dict[str, Any]:
    file, line = (fault.place.file, fault.place.line) if fault.place else ("code/inference.py", 1)
    region = {"artifactLocation": _location(file, directory), "region": {"startLine": line}}
    return {
        "ruleId": fault.code,
        "level": "note" if fault.remark else "error",
        "message": {"text": f"{fault.message}. {fault.advice}"},
        "locations": [{"physicalLocation": region}],
    }


def _location(file: str, directory: Path | None) -> dict[str, str]:
    if directory is None:
        return {"uri": quote(os.fsencode(file)), "uriBaseId": BASE}
    path, here = directory.resolve() / file, Path.cwd()
    # code hosts take a path as one from the root of the repository
    repository = next((one for one in path.parents if (one / ".git").exists()), here)
    if path.is_relative_to(repository):
        return {"uri": quote(os.fsencode(path.relative_to(repository)))}
    return {"uri": path.as_uri()}


def junit(result: InferenceTestResult) -> str:
    """The result as JUnit XML: a test case for each whole request, and one for each fault that none of them shows."""
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(plain(f"handler {result.handler_name}"))
    shown: set[int] = set()
    for exchange in result.end_to_end_results:
        case = TestCase(plain(f"{exchange.sample} as {exchange.accept}"), "requests", exchange.seconds)
        faults = [one for one in result.rejections if one.sample == exchange.sample and one.accept == exchange.accept]
        shown |= {id(one) for one in faults}
        if exchange.not_sent:
            case.result = [Skipped(plain(exchange.body))]
        elif faults or not exchange.success:
            case.result = [_failure(Failure, one) for one in faults] or [Failure(_answered(exchange), "request")]
        suite.add_testcase(case)
    for fault in result.rejections:
        if id(fault) not in shown:
            case = TestCase(fault.code, "faults", 0)
            case.result = [_failure(Failure, fault)]
            suite.add_testcase(case)
    for error in result.errors:
        case = TestCase(plain(error.partition(":")[0]), "errors", 0)
        case.result = [Error(plain(error), "inconclusive")]
        suite.add_testcase(case)
    if not len(suite):
        suite.add_testcase(TestCase(plain("; ".join(result.notes)) or "package", "package", 0))
    xml = JUnitXml()
    xml.add_testsuite(suite)
    text: bytes = xml.tostring()
    return text.decode()


def _answered(exchange: Exchange) -> str:
    return plain(f"status {exchange.status}: {exchange.body[:200]}")


def _failure(kind: Any, fault: Fault) -> Any:
    where = f" ({fault.place})" if fault.place else ""
    failure = kind(plain(f"{fault.message}{where}"), fault.code)
    failure.text = fault.advice
    return failure


def plain(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)

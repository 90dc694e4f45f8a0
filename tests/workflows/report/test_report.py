"""The page of a release: what it says, that nothing breaks it, and that a browser shows it wide and narrow."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, shown
from sampling import for_acceptance

from slipway_steps.domain.errors import BadInput
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.report import branch_picture, write_report

Release = Callable[[str], Any]


def page(tmp_path: Path, release: Any, **instead: Any) -> str:
    given = {"workflow": release.workflow, "reports": release.reports, "environments": release.environments} | instead
    return write_report(**given, target=tmp_path / "report.html").read_text()


class Links(HTMLParser):
    found: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            str(value) for name, value in attrs if name in ("src", "href") or (value or "").startswith("http")
        ]


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("normal", "Promoted to canary"),
        ("slow", "Rejected by the load test"),
        ("oversized", "Rejected by the resource test"),
        ("flaky-metrics", "Rejected by the evaluation"),
        ("bad-handler", "Rejected by the handler test: output_fn returned None"),
    ],
)
def test_it_says_what_happened_in_one_file(tmp_path: Path, release: Release, scenario: str, said: str) -> None:
    text = page(tmp_path, release(scenario))
    assert said in text
    links = Links()
    links.found = []
    links.feed(text)
    outside = [
        link for link in links.found if not link.startswith(("#", "data:", "http://127.0.0.1", "http://www.w3.org"))
    ]
    assert outside == []
    assert "<script" not in text


@pytest.mark.parametrize("missing", ["reports", "nodes", "environments", "all"])
def test_what_is_missing_is_named_not_a_crash(tmp_path: Path, release: Release, missing: str) -> None:
    found = release("normal")
    instead: dict[str, Any] = {}
    if missing in ("reports", "all"):
        instead["reports"] = []
    if missing in ("environments", "all"):
        instead["environments"] = {}
    if missing in ("nodes", "all"):
        instead["workflow"] = StoredWorkflow({"metadata": {"name": "x"}, "status": {"phase": "Failed"}})
    assert "<html" in page(tmp_path, found, **instead)


def test_texts_are_escaped(tmp_path: Path, release: Release) -> None:
    found = release("slow")
    text = json.dumps(found.workflow.manifest).replace("release-model-x7k2p", "<script>alert(1)</script>")
    workflow = StoredWorkflow(json.loads(text))
    assert "<script>alert" not in page(tmp_path, found, workflow=workflow)


def test_an_unwritable_target_is_said_and_nothing_left(tmp_path: Path, release: Release) -> None:
    found = release("normal")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput):
        write_report(found.workflow, found.reports, found.environments, tmp_path / "file" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_tree_as_text(release: Release) -> None:
    text = branch_picture(release("slow").workflow)
    assert re.search(r"load", text)
    assert "revert" in text


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)")
@pytest.mark.parametrize("width", [for_acceptance(1400), 390])
def test_a_browser_shows_it_without_sideways_scrolling(tmp_path: Path, release: Release, width: int) -> None:
    page(tmp_path, release("slow"))
    beyond, letters = shown(tmp_path / "report.html", width)
    assert beyond <= 0
    assert letters > 500

"""The page of a handler's test: what it says for each verdict, that it loads nothing, and that it fits a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from workflows.report.handler_results import result, unsent

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.handler_page import write_handler_report

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def page(directory: Path, verdict: Verdict) -> str:
    return write_handler_report(result(verdict), "model.tar.gz", directory / "report.html").read_text()


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.PASS, "The handler passed, with 1 remark"),
        (Verdict.REJECT, "The handler is rejected: 1 fault"),
        (Verdict.INCONCLUSIVE, "Nothing is known about the handler"),
    ],
)
def test_it_says_the_verdict(tmp_path: Path, verdict: Verdict, said: str) -> None:
    text = page(tmp_path, verdict)
    assert f"<title>{said}" in text
    assert "412 ms" in text
    assert "0.4 kB" in text
    assert "<b>&amp;</b>" not in text, "what a handler says is not a part of the page"
    assert not re.search(r"<script|src=|href=\"(?!#|data:)", text)


def test_a_fault_has_its_line_its_sample_its_advice_and_what_the_server_does(tmp_path: Path) -> None:
    text = page(tmp_path, Verdict.REJECT)
    (fault,) = result(Verdict.REJECT).rejections
    for said in ("code/inference.py:41", "one.json, row 2 of 3, accept text/csv"):
        assert said in text
    assert len(re.findall(r"not reached", text)) == 1
    assert fault.advice.split("`")[0][:20] in text
    assert fault.kind.server.split("`")[0][:20] in text


def test_a_request_that_was_not_sent_has_no_status_and_no_time(tmp_path: Path) -> None:
    found = result(Verdict.REJECT)
    found.end_to_end_results[:] = [unsent("late.json")]
    text = write_handler_report(found, "m", tmp_path / "report.html").read_text()
    (row,) = re.findall(r"<tr[^>]*><th scope=\"row\">late.json.*?</tr>", text, re.DOTALL)
    assert "not sent" in row
    assert "rejected" not in row
    assert re.findall(r'class="n"[^>]*>([^<]*)<', row) == ["-", "-"]


def test_a_place_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="the report could not be written"):
        write_handler_report(result(Verdict.PASS), "m", tmp_path / "file" / "report.html")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)")
def test_a_browser_shows_all_verdicts_without_sideways_scrolling(tmp_path: Path) -> None:
    frames = ""
    for verdict in (Verdict.PASS, Verdict.REJECT, Verdict.INCONCLUSIVE):
        write_handler_report(result(verdict), "model.tar.gz", tmp_path / f"{verdict.value}.html")
        frames += "".join(f"<iframe width={w} height=900 src={verdict.value}.html></iframe>" for w in (1400, 390))
    probe = (
        f"{frames}<pre id=out></pre><script>"
        "onload = () => { out.textContent = [...document.querySelectorAll('iframe')]"
        ".map(f => f.contentDocument.documentElement)"
        ".map(d => `scroll=${d.scrollWidth} client=${d.clientWidth} text=${d.innerText.length}`).join(' '); }</script>"
    )
    (tmp_path / "probe.html").write_text(probe)
    command = [str(CHROMIUM), "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=3000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"file://{tmp_path}/probe.html"], capture_output=True, text=True, timeout=60, check=False
    )
    measured = [tuple(map(int, one)) for one in re.findall(r"scroll=(\d+) client=(\d+) text=(\d+)", done.stdout)]
    assert len(measured) == 6, done.stderr[-500:]
    assert [one for one in measured if one[0] > one[1] or one[2] < 200] == []

"""A page in a real browser, without a window."""

import re
import shutil
import subprocess
from pathlib import Path

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def shown(page: Path, width: int) -> tuple[int, int]:
    """How many pixels of a page are beyond the right edge at that width, and how many letters it shows."""
    # the frame has the width that a phone has: a headless window is never narrower than 500 pixels
    probe = page.with_name("probe.html")
    probe.write_text(
        f"<iframe id=f width={width} height=900 src={page.name}></iframe><pre id=out></pre><script>"
        "f.onload = () => { const d = f.contentDocument.documentElement;"
        "out.textContent = `beyond=${d.scrollWidth - d.clientWidth} text=${d.innerText.length}`; }</script>"
    )
    command = [str(CHROMIUM), "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={page.parent / 'profile'}"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=3000", "--dump-dom", f"file://{probe}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    measured = re.search(r"beyond=(-?\d+) text=(\d+)", done.stdout)
    assert measured, done.stderr[-500:]
    beyond, letters = map(int, measured.groups())
    return beyond, letters

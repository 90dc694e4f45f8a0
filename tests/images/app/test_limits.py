"""The app under abuse: it stays under its memory limit, answers its probes, and ends in time."""

import io
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from images.app.conftest import Served
from PIL import Image
from sampling import for_acceptance

from slipway_steps.settings import PROJECT_ROOT

Serve = Callable[..., Served]
LIMIT = 256
"""The memory limit that the chart model-app sets, in MiB."""


def image(mode: str, kind: str, width: int, height: int) -> bytes:
    """A noisy picture whose file is as large as a photo's; a picture of one colour would make a tiny file."""
    out = io.BytesIO()
    noise = Image.effect_noise((width // 64, height // 64), 60).resize((width, height))
    noise.convert(mode).save(out, kind)
    return out.getvalue()


def peak(served: Served) -> float:
    """The highest resident memory of the app since its start, in MiB."""
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def resident(served: Served) -> float:
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_largest_images_of_many_users_stay_under_the_limit(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)
    for content in (image("RGBA", "PNG", 4096, 3072), image("RGB", "WEBP", 3072, 2048)):
        with ThreadPoolExecutor(10) as pool:
            statuses = {answer.status_code for answer in pool.map(lambda _, c=content: app.predict(c), range(12))}
        assert 200 in statuses
        assert statuses <= {200, 503}, statuses
    assert peak(app) < LIMIT - 16, f"{peak(app):.0f} MiB at the peak"
    assert resident(app) < 130, f"{resident(app):.0f} MiB resident afterwards: large blocks are kept"


@pytest.mark.parametrize(
    ("kind", "size"),
    [for_acceptance("PNG", (4096, 3073)), for_acceptance("WEBP", (3072, 2049)), ("JPEG", (4096, 3073))],
)
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(
    serve: Serve, trained_package: Path, kind: str, size: tuple[int, int]
) -> None:
    app = serve(trained_package)
    before = peak(app)
    answer = app.predict(image("RGB", kind, *size))
    assert (answer.status_code, "pixels" in answer.json()["error"]) == (400, True)
    assert peak(app) - before < 20


def test_uploads_that_stall_hold_little_and_hinder_nobody_for_ever(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)
    small = sorted((trained_package / "samples").glob("*.png"))[0].read_bytes()
    head = (
        b"POST /predict HTTP/1.1\r\nHost: app\r\nContent-Length: 5000000\r\n"
        b"Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        b'--B\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    )
    stalled = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", int(app.url.rsplit(":", 1)[1])), timeout=2)
        stalled.append(connection)
        try:
            connection.sendall(head + b"x" * 4_000_000)
        except OSError:
            continue  # refused while it was being sent
    time.sleep(0.5)
    assert app.get("/healthz").elapsed.total_seconds() < 1
    assert resident(app) < 160, f"{resident(app):.0f} MiB resident"
    for connection in stalled:
        connection.close()
    deadline = time.monotonic() + 5
    while (status := app.predict(small).status_code) != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert status == 200, "what broke off is still counted"


def test_a_body_of_no_announced_length_is_cut_off_too(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)

    def chunks():  # type: ignore[no-untyped-def]
        yield b'--B\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(64):
            yield b"x" * 2**20

    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    try:
        status = requests.post(f"{app.url}/predict", data=chunks(), headers=kind, timeout=20).status_code
    except requests.ConnectionError:
        status = 413  # the connection was closed before the client had sent it all, and the answer with it
    assert status == 413
    assert peak(app) < 160


def test_a_form_without_the_file_is_the_clients_fault(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    no_file = b'--B\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--B--\r\n'
    for content in (b"", b"--B--\r\n", no_file, b"\x00" * 99):
        answer = requests.post(f"{app.url}/predict", data=content, headers=kind, timeout=5)
        assert (answer.status_code, bool(answer.json()["error"])) == (400, True), content
    for path, status in (("/nothing", 404), ("/predict", 405), ("/samples/..%2f..%2fversions.txt", 404)):
        refused = app.get(path)
        assert (refused.status_code, bool(refused.json()["error"])) == (status, True)
    assert "Traceback" not in app.log.read_text()


def test_probes_answer_and_it_ends_in_two_seconds_under_a_slow_model(
    serve: Serve, packaged: Callable[..., Path], trained_package: Path
) -> None:
    package = packaged("slow", "--scenario=slow", f"--package={trained_package}")
    app = serve(package)
    assert app.get("/version").json()["contract"] == "ok", "what is added beside a MobileNetV2 leaves it one"
    small = sorted((package / "samples").glob("*.png"))[0].read_bytes()
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(app.predict, small) for _ in range(20)]
        time.sleep(1)
        assert max(app.get("/healthz").elapsed.total_seconds() for _ in range(5)) < 1
        app.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        app.process.wait(10)
        assert time.monotonic() - started < 2
        statuses = set()
        for future in waiting:
            try:
                statuses.add(future.result().status_code)
            except requests.ConnectionError:
                continue
    assert statuses == {200, 503}, "who still waits is told that the app stops"
    assert "Traceback" not in app.log.read_text()


def test_a_second_app_on_the_same_port_ends_with_one_line(serve: Serve, trained_package: Path, tmp_path: Path) -> None:
    app = serve(trained_package)
    port = app.url.rsplit(":", 1)[1]
    program = tmp_path / "rootfs" / "app" / "serve.py"
    for given, said in ((port, "address already in use"), ("many", "'many' is not a port number")):
        command = [sys.executable, "-E", "-s", str(program)]
        done = subprocess.run(command, env={"PORT": given}, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode != 0
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert app.get("/healthz").status_code == 200


def test_the_page_asks_nobody_else(serve: Serve, trained_package: Path) -> None:
    answer = serve(trained_package).get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not any(text in answer.text for text in ("http://", "https://", "//cdn", "@import"))


def test_the_lock_pins_what_the_app_needs_and_nothing_else() -> None:
    from importlib.metadata import requires, version

    from packaging.requirements import Requirement

    app = PROJECT_ROOT / "images" / "app"
    lines = (app / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = dict(line.split("==") for line in (app / "requirements.lock").read_text().splitlines())
    pinned = {name.lower().replace("_", "-"): number for name, number in pinned.items()}
    seen: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        name = requirement.name.lower().replace("_", "-")
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        assert pinned.get(name) == version(name), f"{name}: what is locked is not what is tested"
        assert requirement.specifier.contains(pinned[name])
        if name not in seen:
            seen.add(name)
            wanted += [Requirement(text) for text in requires(name) or []]
    assert seen == set(pinned)

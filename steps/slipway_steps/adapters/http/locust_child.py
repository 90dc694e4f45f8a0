"""A load test in a process of its own: `python locust_child.py URL IMAGE REQUESTS USERS SECONDS`.

Locust changes the whole standard library when it is imported, so this file imports nothing of Slipway, and nothing of
Slipway imports it. It prints one JSON line for each request: milliseconds, status (0: no answer), body (its first 4
KiB).
"""

import json
import sys
import time

import gevent
from locust import HttpUser, constant, task
from locust.env import Environment
from locust.log import setup_logging

BODY = 4096


def main(url: str, image_path: str, requests: int, users: int, seconds: float) -> None:
    """Send `requests` requests in total. Each user sends the next one when the previous one was answered (a closed
    loop).
    """
    setup_logging("ERROR")
    with open(image_path, "rb") as file:  # noqa: PTH123 - import as little as possible before gevent patches it
        image = file.read()
    left, answered = requests, 0

    class Person(HttpUser):  # type: ignore[misc]
        host = url
        wait_time = constant(0)

        @task  # type: ignore[untyped-decorator]
        def predict(self) -> None:
            nonlocal left, answered
            if left <= 0:
                gevent.sleep(0.05)
                return
            left -= 1
            started = time.perf_counter()
            with self.client.post(
                "/predict", files={"image": ("image.png", image, "image/png")}, timeout=seconds, catch_response=True
            ) as answer:
                # the whole answer has been read here
                milliseconds = (time.perf_counter() - started) * 1000
                status, body = answer.status_code or 0, (answer.text or "")[:BODY]
                answer.success()
            print(json.dumps({"milliseconds": milliseconds, "status": status, "body": body}), flush=True)
            answered += 1

    environment = Environment(user_classes=[Person], catch_exceptions=False)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and answered < requests:
        gevent.sleep(0.02)
    runner.quit()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

"""As much of Kubeflow Pipelines' API (v2beta1) as the target speaks with.

Bodies are held against the models of the official client, which are generated from the API's swagger: an unknown field,
or one of another type, is refused. So are a name that another experiment has, and a schedule with more than 10 runs
at a time, in the server's own words. Runs take the seconds of their parameter `seconds` for each task, one after the
other, and fail for a `code` that is not 0. As with the real server, a task that runs a container names no pod itself:
it is made of one that does.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api

Object = dict[str, Any]
NATIVE: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": str}
PENDING = 0.05


def faults(kind: str, told: Any, path: str = "") -> list[str]:
    """What in a JSON value is not of this type of the client's models."""
    if told is None or kind == "object":
        return []
    if kind.startswith("list["):
        return [fault for at, one in enumerate(told) for fault in faults(kind[5:-1], one, f"{path}[{at}]")]
    if kind.startswith("dict("):
        inner = kind[5:-1].split(", ")[1]
        return [fault for key, one in told.items() for fault in faults(inner, one, f"{path}.{key}")]
    if kind in NATIVE:
        return [] if isinstance(told, NATIVE[kind]) else [f"{path}: {told!r} is no {kind}"]
    model = getattr(kfp_server_api, kind)
    if not isinstance(told, dict):
        allowed = getattr(model, "allowable_values", [told])
        return [] if told in allowed else [f"{path}: {told!r} is no {kind}"]
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    unknown = [f"{path}.{key}: unknown field" for key in told if key not in names]
    known = [(key, value) for key, value in told.items() if key in names]
    return unknown + [
        fault for key, value in known for fault in faults(model.openapi_types[names[key]], value, f"{path}.{key}")
    ]


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


class Kubeflow:
    """`requests`: methods and paths of all requests; `writes`: of those that are no GET. `health`: what it tells of
    itself. `trouble`: the status that answers a request instead (method, path), 0 for none.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.health = {"commit_sha": "8c0b9c2", "tag_name": "2.17.0", "multi_user": False, "pipeline_store": "database"}
        self.trouble: Callable[[str, str], int] = lambda method, path: 0
        self.objects: dict[str, dict[str, Object]] = {"experiments": {}, "runs": {}, "recurringruns": {}}
        self.writes: list[str] = []
        self.lock = threading.RLock()
        owner = self

        class Bound(Handler):
            server_side = owner

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fire(self) -> None:
        for schedule in list(self.objects["recurringruns"].values()):
            every = float(schedule["trigger"]["periodic_schedule"]["interval_second"])
            while schedule["_due"] <= time.time():
                fields = ("experiment_id", "pipeline_spec", "runtime_config", "recurring_run_id")
                own = {key: schedule[key] for key in fields if key in schedule}
                self.create("runs", {**own, "display_name": "fired", "scheduled_at": stamp(schedule["_due"])})
                schedule["_due"] += every

    def create(self, plural: str, body: Object) -> Object:
        key = {"experiments": "experiment_id", "runs": "run_id", "recurringruns": "recurring_run_id"}[plural]
        now = time.time()
        made = {**body, key: str(uuid.uuid4()), "created_at": stamp(now), "_created": now, "_due": now}
        if plural == "recurringruns":
            made["_due"] = now + float(body["trigger"]["periodic_schedule"]["interval_second"])
        self.objects[plural][made[key]] = made
        return made

    def shown(self, plural: str, one: Object) -> Object:
        told = {key: value for key, value in one.items() if not key.startswith("_")}
        return {**told, **self.progress(one)} if plural == "runs" else told

    def progress(self, run: Object) -> Object:
        """What became of a run until now: one task after the other, each with its driver."""
        given = (run.get("runtime_config") or {}).get("parameters") or {}
        seconds, code = float(given.get("seconds", 0)), int(given.get("code", 0))
        now, at = run.get("_canceled") or time.time(), run["_created"] + PENDING
        history = [{"update_time": stamp(run["_created"]), "state": "PENDING"}]
        if now < at:
            return {"state": "PENDING", "state_history": history}
        history.append({"update_time": stamp(at), "state": "RUNNING"})
        spec = run["pipeline_spec"]
        tasks: list[Object] = []
        failed = False
        for key, task in spec["root"]["dag"]["tasks"].items():
            name = task["taskInfo"]["name"] if "taskInfo" in task else key
            for display, took in ((f"{name}-driver", 0.02), (name, seconds)):
                if at > now or failed:
                    break
                detail: Object = {"display_name": display, "start_time": stamp(at)}
                node = f"{run['run_id']}-{display}"
                detail |= {"child_tasks": [{"pod_name": node}]} if display == name else {"pod_name": node}
                at += took
                tasks.append({**detail, "end_time": stamp(at) if at <= now else "1970-01-01T00:00:00Z"})
                failed = bool(code) and display == name and at <= now
        state = "CANCELED" if run.get("_canceled") else "RUNNING"
        if at <= now and not run.get("_canceled"):
            state = "FAILED" if failed else "SUCCEEDED"
        ended = {"finished_at": stamp(min(at, now) if state != "RUNNING" else 0)}
        details = {"run_details": {"task_details": tasks}, "state_history": history}
        return {"state": state, **ended, **details, **({"error": {"message": "task failed"}} if failed else {})}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Object) -> tuple[int, Object]:
        self.requests.append(f"{method} {path}")
        if status := self.trouble(method, path):
            return status, {"error": f"told {status}"}
        if path == "/apis/v2beta1/healthz":
            return 200, self.health
        parts = path.removeprefix("/apis/v2beta1/").split("/")
        plural, (name, _, verb) = parts[0], (parts[1] if len(parts) > 1 else "").partition(":")
        kinds = {"experiments": "V2beta1Experiment", "runs": "V2beta1Run", "recurringruns": "V2beta1RecurringRun"}
        if plural not in kinds:
            return 404, {"error": "Not Found"}
        self.fire()
        found = self.objects[plural]
        if method != "GET":
            self.writes.append(f"{method} {path}")
        if method == "POST" and not name:
            wrong = faults(kinds[plural], body)
            if plural != "experiments" and "root" not in (body.get("pipeline_spec") or {}):
                wrong.append("pipeline_spec: no IR pipeline")
            at_once = int(body.get("max_concurrency", 0))
            if plural == "recurringruns" and not 1 <= at_once <= 10:
                wrong.append(
                    f"Max concurrency of a recurring run must be at least 1 and at most 10. Received {at_once}"
                )
            if plural == "experiments" and body["display_name"] in [one["display_name"] for one in found.values()]:
                return 409, {"error": f"the name {body['display_name']} already exists"}
            return (400, {"error": "; ".join(wrong)}) if wrong else (200, self.shown(plural, self.create(plural, body)))
        if method == "GET" and not name:
            wanted = query.get("experiment_id", [""])[0]
            listed = [self.shown(plural, one) for one in found.values() if not wanted or one["experiment_id"] == wanted]
            start, size = int(query.get("page_token", ["0"])[0] or 0), int(query.get("page_size", ["20"])[0])
            page = [{key: one[key] for key in one if key != "run_details"} for one in listed[start : start + size]]
            token = str(start + size) if start + size < len(listed) else ""
            field = "recurringRuns" if plural == "recurringruns" else plural
            return 200, {field: page, "total_size": len(listed), "next_page_token": token}
        if name not in found:
            return 404, {"error": f"{plural} {name} not found"}
        if verb == "terminate":
            found[name].setdefault("_canceled", time.time())
            return 200, {}
        if method == "DELETE":
            del found[name]
            return 200, {}
        return 200, self.shown(plural, found[name])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: two would wait 40 ms for each other
    server_side: Kubeflow

    def log_message(self, format: str, *args: object) -> None:
        pass

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with self.server_side.lock:
            code, told = self.server_side.answer(self.command, url.path, parse_qs(url.query), body)
        data = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = serve  # noqa: N815 - names of the base class

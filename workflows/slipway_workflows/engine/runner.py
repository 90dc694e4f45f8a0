"""Runs a plan: templates become nodes, leaves become processes. One thread a branch that runs at the same time."""

import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from slipway_workflows.engine import depends, exprlang, govaluate
from slipway_workflows.engine.durations import seconds
from slipway_workflows.engine.expression_error import ExpressionError
from slipway_workflows.engine.exprlang_functions import text_of
from slipway_workflows.engine.mutexes import holding
from slipway_workflows.engine.plan import Home, Plan
from slipway_workflows.engine.process import Process
from slipway_workflows.engine.retry import Retry
from slipway_workflows.engine.scope import declared_defaults, of_node
from slipway_workflows.engine.state import State
from slipway_workflows.engine.substitution import nested, replace_in
from slipway_workflows.engine.tree import FAILED, Node, now

STOPPED = "Stopped with strategy 'Stop'"
ANSWER_POLL = 0.2
"""Seconds between two looks for the answer to a suspended node."""
COMPOSED = {"steps": "Steps", "dag": "DAG"}
STRICT = ("steps.", "tasks.")


class Runner:
    """Executes templates. Its public parts are `execute` and `stop`."""

    def __init__(self, plan: Plan, state: State, home: Any, environment: Mapping[str, str]) -> None:
        self.plan, self.state, self.home, self.environment = plan, state, home, environment
        self.processes: set[Process] = set()
        self.stopping = threading.Event()
        self.reads_results = "outputs.result" in json.dumps(plan.spec) or any(
            "outputs.result" in json.dumps(t) for h in plan.homes.values() for t in h.templates.values()
        )

    def stop(self) -> None:
        """End every process that runs; nothing new starts until the flag is cleared."""
        self.stopping.set()
        for process in list(self.processes):
            process.stop()

    def scope(self) -> dict[str, Any]:
        """What every template of the workflow can refer to."""
        found: dict[str, Any] = {
            "workflow.name": self.plan.name,
            "workflow.namespace": "default",
            "workflow.uid": str(self.plan.workflow["metadata"].get("uid", "")),
            "workflow.mainEntrypoint": self.plan.spec["entrypoint"],
            "workflow.serviceAccountName": self.plan.spec.get("serviceAccountName", ""),
            "workflow.creationTimestamp": self.state.started,
        }
        found |= {f"workflow.parameters.{name}": value for name, value in self.plan.parameters().items()}
        found["workflow.parameters"] = json.dumps(
            [{"name": k, "value": v} for k, v in self.plan.parameters().items()], separators=(",", ":")
        )
        return found | {f"workflow.outputs.parameters.{k}": v for k, v in self.state.globals.items()}

    def execute(
        self,
        name: str,
        display_name: str,
        home: Home,
        template: dict[str, Any],
        arguments: Mapping[str, str],
        *,
        call: Mapping[str, Any] | None = None,
        boundary: Node | None = None,
        parent: Node | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Node:
        """Run a template as node `name`; returns the node, which has ended."""
        fields: dict[str, Any] = {
            "template_name": "" if call and call.get("templateRef") else template["name"],
            "template_ref": dict(call["templateRef"]) if call and call.get("templateRef") else None,
            "scope": home.scope,
            "boundary": boundary.id if boundary else "",
            "parent": parent.id if parent else None,
        }
        kind = next((COMPOSED[k] for k in COMPOSED if k in template), "Suspend" if "suspend" in template else "Pod")
        retried = "retryStrategy" in template
        node = self.state.node(name, display_name, "Retry" if retried else kind, **fields)
        try:
            node.inputs = self._inputs(template, arguments)
            scope = self.scope() | {f"inputs.parameters.{k}": v for k, v in node.inputs.items()} | dict(extra or {})
            # the pod's own names and the retry count are filled in where the pod starts
            ready = replace_in({k: v for k, v in template.items() if k != "inputs"}, scope)
            if retried:
                return self._retried(node, home, ready, kind, fields)
            return self._locked(node, home, ready)
        except ExpressionError as error:
            return self.state.finish(node, "Error", str(error))
        except OSError as error:
            return self.state.finish(node, "Error", f"{error.strerror or error} (is the disk full or read-only?)")

    def _inputs(self, template: Mapping[str, Any], arguments: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for parameter in (template.get("inputs") or {}).get("parameters") or []:
            name = parameter["name"]
            value = arguments.get(name, parameter.get("value", parameter.get("default")))
            if value is None:
                raise ExpressionError(f"inputs.parameters.{name} was not supplied")
            found[name] = str(value)
        if found:
            filled: dict[str, str] = replace_in(found, self.scope())
            return filled
        return found

    def _locked(self, node: Node, home: Home, template: dict[str, Any]) -> Node:
        mutexes = [m["name"] for m in (template.get("synchronization") or {}).get("mutexes") or []]
        if not mutexes:
            return self._run(node, home, template)

        def waiting(name: str) -> None:
            node.phase, node.message = "Pending", f"Waiting for default/Mutex/{name} lock"
            self.state.changed(node)

        with holding(self.home, mutexes, waiting, self.stopping.is_set) as held:
            if not held:
                return self.state.finish(node, "Failed", STOPPED)
            if node.phase == "Pending":
                node.phase, node.message, node.started = "Running", "", now()
                self.state.changed(node)
            return self._run(node, home, template)

    def _run(self, node: Node, home: Home, template: dict[str, Any]) -> Node:
        if self.stopping.is_set():
            return self.state.finish(node, "Failed", STOPPED)
        if "steps" in template:
            return self._steps(node, home, template)
        if "dag" in template:
            return self._dag(node, home, template)
        if "suspend" in template:
            return self._suspend(node, template)
        return self._pod(node, template)

    # leaves

    def _pod(self, node: Node, template: dict[str, Any], extra: Mapping[str, Any] | None = None) -> Node:
        own = {"pod.name": node.id, "node.name": node.name, **(extra or {})}
        template = replace_in(template, own)
        container = template.get("container") or template["script"]
        declared = [
            (o, o["valueFrom"]["path"])
            for o in (template.get("outputs") or {}).get("parameters") or []
            if "path" in (o.get("valueFrom") or {})
        ]
        limits = [seconds(template[k]) for k in ("activeDeadlineSeconds", "timeout") if template.get(k) is not None]
        process = Process(self.state.store.directory / "work" / node.id, self.state.log(node), self.environment)
        self.processes.add(process)
        if self.stopping.is_set():
            process.stop()
        keep = "script" in template or self.reads_results
        ended = process.run(container, [path for _, path in declared], min(limits, default=None), keep)
        self.processes.discard(process)
        node.exit_code, node.result = ended.code, ended.result
        missing = self._read_outputs(node, declared, ended.files)
        if ended.timed_out:
            return self.state.finish(node, "Failed", "Pod was active on the node longer than the specified deadline")
        if self.stopping.is_set() and ended.code:
            return self.state.finish(node, "Failed", STOPPED)
        if ended.code:
            return self.state.finish(node, "Failed", f"Error (exit code {ended.code})")
        if missing:
            return self.state.finish(node, "Error", f"output parameter {missing} was not written and has no default")
        return self.state.finish(node, "Succeeded")

    def _read_outputs(self, node: Node, declared: list[tuple[dict[str, Any], str]], files: Mapping[str, str]) -> str:
        """Returns the first output that is missing; it and those after it are not kept, as in Argo."""
        for output, path in declared:
            value = files.get(path, output["valueFrom"].get("default"))
            if value is None:
                return str(output["name"])
            self._output(node, output, str(value))
        return ""

    def _output(self, node: Node, output: Mapping[str, Any], value: str) -> None:
        node.outputs[output["name"]] = value
        if output.get("globalName"):
            self.state.globals[output["globalName"]] = value

    def _suspend(self, node: Node, template: dict[str, Any]) -> Node:
        outputs = (template.get("outputs") or {}).get("parameters") or []
        supplied = [o for o in outputs if "supplied" in (o.get("valueFrom") or {})]
        duration = template["suspend"].get("duration") if template["suspend"] else None
        deadline = time.monotonic() + seconds(duration) if duration is not None else None
        self.state.asked[node.id] = [o["name"] for o in supplied]
        node.message = "waits for: slipway approve, or slipway reject" if deadline is None else ""
        self.state.changed(node)
        self.state.write()
        answer: dict[str, str] | None = None
        while answer is None and (deadline is None or time.monotonic() < deadline):
            if self.stopping.wait(ANSWER_POLL):
                return self.state.finish(node, "Failed", STOPPED)
            answer = self.state.store.answer(node.id)
        self.state.asked.pop(node.id, None)
        node.message = ""
        for output in supplied:
            value = (answer or {}).get(output["name"], output["valueFrom"].get("default"))
            if value is None:
                return self.state.finish(node, "Error", f"output {output['name']} was not supplied and has no default")
            self._output(node, output, str(value))
        return self.state.finish(node, "Succeeded")

    def _retried(self, node: Node, home: Home, template: dict[str, Any], kind: str, fields: dict[str, Any]) -> Node:
        strategy = Retry(template.pop("retryStrategy") or {})
        attempt = 0
        while True:
            more = {**fields, "parent": node.id}
            child = self.state.node(f"{node.name}({attempt})", f"{node.display_name}({attempt})", kind, **more)
            child.inputs = dict(node.inputs)
            self.state.child(node, child)
            ready = replace_in(template, {"retries": str(attempt)})
            try:
                self._locked(child, home, ready)
            except ExpressionError as error:
                self.state.finish(child, "Error", str(error))
            if not child.failed or self.stopping.is_set() or not strategy.again(child, attempt):
                break
            if self.stopping.wait(strategy.pause(attempt)):
                break
            attempt += 1
        node.outputs, node.result, node.exit_code = dict(child.outputs), child.result, child.exit_code
        message = "No more retries left" if child.failed and strategy.limit is not None else child.message
        return self.state.finish(node, child.phase, message if child.failed else "")

    # steps

    def _steps(self, node: Node, home: Home, template: dict[str, Any]) -> Node:
        scope: dict[str, Any] = {}
        before: list[Node] = []
        group: Node | None = None
        children: list[Node] = []
        for number, calls in enumerate(template["steps"]):
            name = f"{node.name}[{number}]"
            previous = group
            group = self.state.node(
                name, f"[{number}]", "StepGroup", boundary=node.id, scope=home.scope, parent=node.id
            )
            if number == 0:
                self.state.child(node, group)
            leaves = [leaf for child in before for leaf in self.state.outbound(child)]
            for leaf in leaves or ([previous] if previous else []):
                self.state.child(leaf, group)
            children = self._group(node, group, home, calls, scope)
            for child in children:
                scope |= of_node("steps", child)
            before = children
            bad = [
                child
                for call, child in zip(calls, children, strict=True)
                if child.failed and not _tolerated(call, child)
            ]
            if bad:
                message = f"child '{bad[0].id}' failed"
                self.state.finish(group, bad[0].phase, message)
                return self.state.finish(node, bad[0].phase, bad[0].message if bad[0].phase == "Error" else message)
            self.state.finish(group, "Succeeded")
        node.outbound = [leaf.id for child in children for leaf in self.state.outbound(child)]
        return self._composed_outputs(node, template, scope)

    def _group(
        self, node: Node, group: Node, home: Home, calls: list[dict[str, Any]], scope: Mapping[str, Any]
    ) -> list[Node]:
        """The steps of a group, all at the same time; the first by this thread itself."""

        def one(call: dict[str, Any]) -> Node:
            child = self._call(f"{group.name}.{call['name']}", node, group, home, call, scope)
            self.state.child(group, child)
            return child

        if len(calls) == 1:
            return [one(calls[0])]
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    def _call(
        self, name: str, node: Node, parent: Node, home: Home, call: dict[str, Any], scope: Mapping[str, Any]
    ) -> Node:
        """One step or task: its `when`, its arguments, its template."""
        inner_home, template = self.plan.find(home, call)
        display = str(call["name"])
        fields: dict[str, Any] = {
            "template_name": "" if call.get("templateRef") else template["name"],
            "template_ref": call.get("templateRef"),
            "boundary": node.id,
            "scope": home.scope,
            "parent": parent.id,
        }
        everything = self.scope() | dict(scope)
        try:
            if call.get("when"):
                clause = replace_in({"when": call["when"]}, everything, STRICT)["when"]
                if not govaluate.evaluate(clause):
                    skipped = self.state.node(name, display, "Skipped", phase="Skipped", finished=now(), **fields)
                    skipped.defaults = declared_defaults(template)
                    skipped.message = f"when '{clause}' evaluated false"
                    self.state.changed(skipped)
                    return skipped
            arguments = self._arguments(call, template, everything)
        except ExpressionError as error:
            return self.state.finish(self.state.node(name, display, "Skipped", **fields), "Error", str(error))
        return self.execute(name, display, inner_home, template, arguments, call=call, boundary=node, parent=parent)

    @staticmethod
    def _arguments(call: Mapping[str, Any], template: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, str]:
        """The arguments of a step. One that cannot be resolved falls back to the input's own default, as in Argo."""
        own = (template.get("inputs") or {}).get("parameters") or []
        defaults = {p["name"] for p in own if "value" in p or "default" in p}
        found = {}
        for parameter in (call.get("arguments") or {}).get("parameters") or []:
            try:
                found[parameter["name"]] = str(replace_in({"v": str(parameter.get("value"))}, scope, STRICT)["v"])
            except ExpressionError:
                if parameter["name"] not in defaults:
                    raise
        return found

    def _composed_outputs(self, node: Node, template: Mapping[str, Any], scope: Mapping[str, Any]) -> Node:
        everything = self.scope() | dict(scope) | {f"inputs.parameters.{k}": v for k, v in node.inputs.items()}
        for output in (template.get("outputs") or {}).get("parameters") or []:
            source = output.get("valueFrom") or {}
            try:
                if "expression" in source:
                    value = exprlang.evaluate(source["expression"], nested(everything))
                    if value is None:
                        raise ExpressionError(f"expression {source['expression']!r} has no value")
                    text = text_of(value)
                else:
                    text = replace_in({"v": source.get("parameter", "")}, everything, STRICT)["v"]
            except ExpressionError as error:
                if "default" not in source:
                    return self.state.finish(node, "Error", f"output {output['name']}: {error}")
                text = str(source["default"])
            self._output(node, output, text)
        return self.state.finish(node, "Succeeded")

    # dag

    def _dag(self, node: Node, home: Home, template: dict[str, Any]) -> Node:
        tasks = {task["name"]: task for task in template["dag"]["tasks"]}
        clauses = {name: depends.clause_of(task) for name, task in tasks.items()}
        needs = {name: depends.tasks_in(clause) for name, clause in clauses.items()}
        done: dict[str, Node] = {}
        running: dict[Future[Node], str] = {}
        with ThreadPoolExecutor(max(1, len(tasks))) as pool:
            while len(done) < len(tasks):
                ready = [
                    n for n in tasks if n not in done and n not in running.values() and all(d in done for d in needs[n])
                ]
                if not ready and not running:
                    cycle = ", ".join(n for n in tasks if n not in done)
                    return self.state.finish(node, "Error", f"tasks wait for each other: {cycle}")
                for name in ready:
                    running[pool.submit(self._task, node, home, tasks[name], clauses[name], needs[name], done)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
        leaves = [name for name in tasks if not any(name in found for found in needs.values())]
        node.outbound = [leaf.id for name in leaves for leaf in self.state.outbound(done[name])]
        bad = [name for name in leaves if self._branch(name, tasks, needs, done) in FAILED]
        if bad:
            failed = next(iter([done[n] for n in tasks if done[n].failed]), done[bad[0]])
            return self.state.finish(node, "Failed", f"child '{failed.id}' failed")
        scope: dict[str, Any] = {}
        for child in done.values():
            scope |= of_node("tasks", child)
        return self._composed_outputs(node, template, scope)

    def _task(
        self, node: Node, home: Home, task: dict[str, Any], clause: str, needs: list[str], done: Mapping[str, Node]
    ) -> Node:
        name = f"{node.name}.{task['name']}"
        scope: dict[str, Any] = {}
        for found in _ancestors(needs, {n: done[n] for n in done}):
            scope |= of_node("tasks", found)
        phases = {n: done[n].phase for n in needs}
        try:
            holds = depends.holds(clause, phases) if clause else True
        except ExpressionError as error:
            holds, problem = False, str(error)
        else:
            problem = "omitted: depends condition not met"
        if holds:
            child = self._call(name, node, node, home, task, scope)
        else:
            _, template = self.plan.find(home, task)
            fields: dict[str, Any] = {"boundary": node.id, "scope": home.scope, "parent": node.id}
            fields["template_name"] = "" if task.get("templateRef") else template["name"]
            fields["template_ref"] = task.get("templateRef")
            child = self.state.node(name, task["name"], "Skipped", phase="Omitted", finished=now(), **fields)
            child.message, child.defaults = problem, declared_defaults(template)
            self.state.changed(child)
        for before in needs:
            for leaf in self.state.outbound(done[before]):
                self.state.child(leaf, child)
        if not needs:
            self.state.child(node, child)
        return child

    def _branch(
        self, name: str, tasks: Mapping[str, Any], needs: Mapping[str, list[str]], done: Mapping[str, Node]
    ) -> str:
        """How the branch that ends in a task ended: its own phase, or where it did not run, the worst before it."""
        node = done[name]
        if node.failed:
            return "Succeeded" if _tolerated(tasks[name], node) else node.phase
        if node.phase not in ("Omitted", "Skipped"):
            return node.phase
        before = [self._branch(n, tasks, needs, done) for n in needs[name]]
        return next((phase for phase in before if phase in FAILED), "Succeeded")


def _ancestors(needs: list[str], done: Mapping[str, Node]) -> list[Node]:
    """All finished tasks may be referred to: Argo allows any ancestor, and validation is not stricter than this."""
    return list(done.values()) if needs else []


def _tolerated(call: Mapping[str, Any], node: Node) -> bool:
    allowed = call.get("continueOn") or {}
    return bool(allowed.get("failed" if node.phase == "Failed" else "error"))

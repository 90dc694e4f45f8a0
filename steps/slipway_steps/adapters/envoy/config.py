"""The configuration of Envoy as the gateway before canary and production: what it reads once, and the files that it
watches. The fields are those of Envoy's API v3.
"""

from typing import Any

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.traffic import Share

TYPE = "type.googleapis.com/envoy."
TOLD_BY = "/.slipway/share"
"""The path at which the gateway itself tells which generation of the routes it uses."""
TIMEOUT = "30s"
"""For one whole request; the app gives up later by itself. Envoy's own default is 15 s."""
BACKENDS = (Environment.PRODUCTION, Environment.CANARY)
Object = dict[str, Any]


def bootstrap(port: int) -> Object:
    """What Envoy reads at its start: it listens on one port of the loopback address, and looks for routes and endpoints
    in the files of its working directory.
    """
    manager = {
        "@type": f"{TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "rds": {"route_config_name": "routes", "config_source": _file("routes.json")},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPE}extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {
        "node": {"id": "slipway", "cluster": "slipway"},
        "static_resources": {
            "listeners": [{"name": "gateway", "address": address, "filter_chains": [chain]}],
            "clusters": [
                {
                    "name": backend.value,
                    "type": "EDS",
                    "connect_timeout": "1s",
                    "eds_cluster_config": {"eds_config": _file(f"{backend}.json")},
                }
                for backend in BACKENDS
            ],
        },
    }


def _file(name: str) -> Object:
    return {"path_config_source": {"path": f"./{name}"}, "resource_api_version": "V3"}


def routes(generation: int, share: Share) -> Object:
    """Who gets which share of the requests. `generation`: is told at `TOLD_BY` once these routes are used."""
    weights = {Environment.PRODUCTION: 100 - share.percent, Environment.CANARY: share.percent}
    route: Object = {
        "weighted_clusters": {"clusters": [{"name": name.value, "weight": weight} for name, weight in weights.items()]},
        "timeout": TIMEOUT,
    }
    if share.mirror:
        part = {"default_value": {"numerator": share.mirror, "denominator": "HUNDRED"}}
        route["request_mirror_policies"] = [{"cluster": Environment.CANARY.value, "runtime_fraction": part}]
    told = {"status": 200, "body": {"inline_string": str(generation)}}
    host = {
        "name": "all",
        "domains": ["*"],
        "routes": [
            {"match": {"path": TOLD_BY}, "direct_response": told},
            {"match": {"prefix": "/"}, "route": route},
        ],
    }
    name = f"{TYPE}config.route.v3.RouteConfiguration"
    return _discovered(str(generation), {"@type": name, "name": "routes", "virtual_hosts": [host]})


def endpoints(backend: Environment, port: int | None) -> Object:
    """Where a backend listens on the loopback address; None: nowhere, its requests are answered with 503."""
    found = []
    if port:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        found = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    name = f"{TYPE}config.endpoint.v3.ClusterLoadAssignment"
    return _discovered(str(port or 0), {"@type": name, "cluster_name": backend.value, "endpoints": found})


def _discovered(version: str, resource: Object) -> Object:
    return {"version_info": version, "resources": [resource]}

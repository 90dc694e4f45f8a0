"""Envoy: the gateway before canary and production on one machine."""

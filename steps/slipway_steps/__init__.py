"""What runs inside a pod, and in a local process: domain, adapters, actions, gates."""

__version__ = "0.1.0"
"""The one place of Slipway's version: the distribution, the images, the charts and the manifests follow it."""

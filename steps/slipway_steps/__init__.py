"""What runs inside a pod, and in a local process: domain, adapters, actions, gates."""

import os

__version__ = "0.1.0"
"""The one place of Slipway's version: the distribution, the images, the charts and the manifests follow it."""

# ONNX Runtime reports to its maker unless this is set before its import. Every step begins by importing this package,
# and what a step starts inherits it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

"""The steps of a release. They run inside a pod of a cluster, or as a process of one machine."""

import os

__version__ = "0.1.0"
"""The one place of Slipway's version: the distribution, the images, the charts and the manifests follow it."""

# ONNX Runtime reports to its maker unless this is set before its import. Every step begins by importing this package,
# and what a step starts inherits it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

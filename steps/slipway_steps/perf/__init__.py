"""Performance tests of pipelines: scenarios, modes, statistics, comparisons."""

"""The health of what releases need: eight probes, each of one component."""

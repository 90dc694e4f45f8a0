"""Runs a step with and without a change of a knob, and recommends what was measured to be better."""

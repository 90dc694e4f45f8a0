"""Floor 3: steps that judge and change nothing."""

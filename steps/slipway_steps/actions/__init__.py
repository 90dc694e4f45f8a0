"""Floor 3: steps that change the world."""

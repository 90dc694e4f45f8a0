"""Floor 1: one outside system each; its exceptions are translated here."""

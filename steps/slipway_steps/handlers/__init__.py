"""The test of an inference handler: a packaged model's own code is tried before anything is built from it."""

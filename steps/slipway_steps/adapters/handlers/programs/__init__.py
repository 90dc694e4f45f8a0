"""Programs that run under the Python of a handler: they import nothing of Slipway."""

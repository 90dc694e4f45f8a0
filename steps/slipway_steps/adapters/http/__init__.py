"""Systems that are reached over plain HTTP: the served application, the load generator, webhooks."""

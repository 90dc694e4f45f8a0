"""What is reached over plain HTTP: the served application, the load generator, webhooks."""

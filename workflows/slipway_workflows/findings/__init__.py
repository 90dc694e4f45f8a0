"""What the linter of workflows and the validator of deployments share: a finding, its output, line numbers."""

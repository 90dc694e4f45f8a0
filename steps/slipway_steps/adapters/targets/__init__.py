"""Where the pipelines of a performance test run: this machine, Argo Workflows, or Kubeflow Pipelines."""

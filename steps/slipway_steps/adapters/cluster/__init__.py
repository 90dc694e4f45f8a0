"""The environments of a cluster: Kubernetes and Argo CD."""

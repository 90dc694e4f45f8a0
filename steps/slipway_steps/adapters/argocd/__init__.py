"""Environments on a cluster, which Argo CD deploys."""

"""The Git repository that Argo CD deploys from."""

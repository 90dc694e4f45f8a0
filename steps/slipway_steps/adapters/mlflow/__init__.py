"""The adapter of MLflow: tracking, the model registry and packaged models."""

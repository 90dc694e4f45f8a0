"""What runs inside a pod, and in a local process: domain, adapters, actions, gates."""

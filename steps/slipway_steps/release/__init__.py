"""The release train: one module for each step, named as templates call it, and the helpers they share."""

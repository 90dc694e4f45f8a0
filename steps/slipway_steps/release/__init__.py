"""The release of a model: one module for each step, named as the templates name the step, and the helpers that steps
share.
"""

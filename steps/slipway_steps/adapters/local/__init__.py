"""Environments on one machine: supervised processes under the limits of the chart. Their status is like that of a
pod.
"""

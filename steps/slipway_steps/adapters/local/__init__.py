"""Environments on one machine: supervised processes under the limits of the chart, with a status like a pod's."""

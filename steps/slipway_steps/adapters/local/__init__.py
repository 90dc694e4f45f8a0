"""The environments of one machine: supervised app processes under enforced limits, with a status like a pod's."""

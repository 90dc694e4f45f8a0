"""What a run uses of this machine: processes, file system views, locks, objects.

A "step" in these modules is the program of one Pod node, whatever kind of template named it.
"""

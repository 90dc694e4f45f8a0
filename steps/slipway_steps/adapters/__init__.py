"""The adapters: one folder for each outside system. Each turns the exceptions of its client library into Slipway's
own.
"""

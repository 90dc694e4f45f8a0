"""The state of a run: its node tree, the files it is stored in, and what other processes read of them."""

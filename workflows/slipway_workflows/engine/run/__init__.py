"""Runs one workflow: its nodes, one module for each kind of template and each rule between them."""

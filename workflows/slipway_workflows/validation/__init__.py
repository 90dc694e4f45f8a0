"""Proof that what is there is fit for production, before anything of it runs."""

"""Argo's languages: tags, `when` clauses, expr-lang, durations."""

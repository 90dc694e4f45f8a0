"""The languages of Argo's manifests: tags, `when` clauses, expr-lang expressions, durations."""

"""Orders the steps: the catalog of WorkflowTemplates, what renders it, the local engine that runs it, the program."""

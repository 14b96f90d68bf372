"""Why: contributions to a class over a rival, as a ledger beside what the model relies on."""

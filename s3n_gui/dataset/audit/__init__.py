"""What the audit found, as rows a person can act on."""

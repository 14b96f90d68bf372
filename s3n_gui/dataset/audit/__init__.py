"""The audit's findings, as rows with actions."""

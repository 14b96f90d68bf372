"""The training curves: what was measured, and the charts that draw it."""

"""The training curves: metrics and their charts."""

"""The page Train: choose a recipe, start, watch the curves and the evidence grow, stop, compare, go on."""

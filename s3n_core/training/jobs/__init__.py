"""Jobs: a training as one file, for another machine, and its run back from there."""

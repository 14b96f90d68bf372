"""System services of the engine: files, locks, processes, cores, memory, random numbers."""

"""What the engine asks of the machine: files, locks, processes, cores, memory, random numbers."""

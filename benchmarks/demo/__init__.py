"""Making the demo (`make`), and what documents say of it (`texts`)."""

"""State that the pages share: session, settings, recent items, live runs."""

"""Parts that tell classes apart, and how faithful what is said of them is."""

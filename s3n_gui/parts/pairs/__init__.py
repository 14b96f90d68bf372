"""The tab that shows what tells two classes apart."""

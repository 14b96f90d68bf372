"""The paper's tables and their controls as declared experiments: trained, measured and rendered by one command."""

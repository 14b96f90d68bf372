"""Data sets: records, one reader per format, audit, splits, decoding and loading. Never imports torch."""

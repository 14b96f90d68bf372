"""Data sets: records, one reader a format, audit, splits, decoding and loading. Free of torch."""

"""Views of images: zoom and pan, overlaid maps and marks."""

"""Views of images: zoom and pan, maps laid over them, marks on top."""

"""Figures: panels and sheets, drawn on one canvas."""

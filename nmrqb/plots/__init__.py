"""Figures. The only room that knows matplotlib."""

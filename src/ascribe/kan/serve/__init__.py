"""A network to serve: its function alone, folded into tables."""

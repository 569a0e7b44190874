"""Edges that are named functions, and the way from a network to a formula."""

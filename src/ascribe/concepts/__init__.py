"""Concepts: directions of a layer that mean something to people."""

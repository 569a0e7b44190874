"""Captum's modules by name."""

"""Edges that are named functions, and the way from a network to a formula."""

from ascribe.doors import on_demand

on_demand(__name__)

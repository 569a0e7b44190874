"""The nouns: what is explained, of which output, where, against what, and the result."""

from ascribe.doors import on_demand

on_demand(__name__)

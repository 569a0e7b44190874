"""Pure functions of tensors: no module, no hook, no file."""

from ascribe.doors import on_demand

on_demand(__name__)

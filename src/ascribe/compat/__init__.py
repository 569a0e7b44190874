"""The names of the libraries that people come from: change the import, keep the program."""

from ascribe.doors import on_demand

on_demand(__name__)

"""Captum's names over the methods of ascribe: change the import, keep the program."""

from ascribe.compat.captum.attr import *

"""The command line: `ascribe explain TABLE --target COLUMN` and `ascribe doctor`."""

from ascribe.cli.command import main as main

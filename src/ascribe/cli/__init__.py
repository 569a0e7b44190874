"""The command line: `ascribe explain TABLE --target COLUMN`."""

from ascribe.cli.command import main as main

"""Tables in: read, divide and encode them, with every treatment stated."""

from ascribe.tables.encoder import Encoder as Encoder
from ascribe.tables.read import read as read
from ascribe.tables.split import split as split
from ascribe.tables.target import read_target as read_target

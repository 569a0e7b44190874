"""Pictures as HTML that needs nothing else, for notebooks and files."""

from ascribe.plots.pages.document import Document as Document
from ascribe.plots.pages.image import image as image
from ascribe.plots.pages.network import html as html
from ascribe.plots.pages.page import Page as Page
from ascribe.plots.pages.table import table as table
from ascribe.plots.pages.tokens import tokens as tokens

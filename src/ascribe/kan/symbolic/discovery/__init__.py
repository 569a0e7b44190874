"""From data to a formula: structure by regression, exact relations, and symbolic networks from many starts."""

from ascribe.kan.symbolic.discovery.discover import Discovery as Discovery
from ascribe.kan.symbolic.discovery.discover import discover as discover

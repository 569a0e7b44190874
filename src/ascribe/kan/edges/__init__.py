"""Edge functions: B-splines, and sums over the families of `ascribe.maths.families`."""

from ascribe.kan.edges.bspline import BSpline as BSpline
from ascribe.kan.edges.edge import Edge as Edge
from ascribe.kan.edges.expansion import Expansion as Expansion
from ascribe.kan.edges.table import edge_named as edge_named

"""Edge functions, one file each."""

from ascribe.kan.edges.bspline import BSpline as BSpline

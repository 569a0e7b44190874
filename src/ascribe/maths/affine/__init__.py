"""Fits of $c\\,f(a x + b) + d$, for many edges and many functions f at once."""

from ascribe.maths.affine.fit import AffineFits as AffineFits
from ascribe.maths.affine.fit import fit_affine as fit_affine

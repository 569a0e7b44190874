"""Families of edge functions beside B-splines, one file each: a new one is a file and a line here."""

from ascribe.maths.families.chebyshev import CHEBYSHEV as CHEBYSHEV
from ascribe.maths.families.family import Family as Family
from ascribe.maths.families.fourier import FOURIER as FOURIER
from ascribe.maths.families.rational import RATIONAL as RATIONAL
from ascribe.maths.families.rbf import RBF as RBF
from ascribe.maths.families.wavelet import WAVELET as WAVELET

FAMILIES: dict[str, Family] = {f.name: f for f in tuple(globals().values()) if isinstance(f, Family)}

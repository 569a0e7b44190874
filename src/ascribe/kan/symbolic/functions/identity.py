"""x itself."""

from ascribe.kan.symbolic.function import Function

IDENTITY = Function("x", lambda u: u, lambda u: u, complexity=1)

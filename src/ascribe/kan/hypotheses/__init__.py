"""Questions about how a function is put together, answered from its derivatives: of any function of rows."""

from ascribe.kan.hypotheses.check import Check as Check
from ascribe.kan.hypotheses.general import check_general_separability as check_general_separability
from ascribe.kan.hypotheses.jets import hessian as hessian
from ascribe.kan.hypotheses.jets import jacobian as jacobian
from ascribe.kan.hypotheses.separability import Separability as Separability
from ascribe.kan.hypotheses.separability import check_separability as check_separability
from ascribe.kan.hypotheses.separability import detect_separability as detect_separability
from ascribe.kan.hypotheses.symmetry import VariableSymmetry as VariableSymmetry
from ascribe.kan.hypotheses.symmetry import check_symmetry as check_symmetry
from ascribe.kan.hypotheses.symmetry import check_symmetry_variable as check_symmetry_variable
from ascribe.kan.hypotheses.tree import Tree as Tree
from ascribe.kan.hypotheses.tree import tree as tree

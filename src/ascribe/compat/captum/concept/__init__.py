"""What `captum.concept` gives, over `ascribe.concepts`."""

from ascribe.compat.captum.concept._core.cav import CAV as CAV
from ascribe.compat.captum.concept._core.concept import Concept as Concept
from ascribe.compat.captum.concept._core.concept import ConceptInterpreter as ConceptInterpreter
from ascribe.compat.captum.concept._core.tcav import TCAV as TCAV
from ascribe.compat.captum.concept._utils.classifier import Classifier as Classifier
from ascribe.compat.captum.concept._utils.classifier import DefaultClassifier as DefaultClassifier

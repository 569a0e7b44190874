"""Concepts: directions of a layer that mean something to people, and how much an output depends on them."""

from ascribe.concepts.concept import Concept as Concept
from ascribe.concepts.tcav import ConceptScores as ConceptScores
from ascribe.concepts.tcav import tcav as tcav
from ascribe.concepts.vectors import ConceptVectors as ConceptVectors
from ascribe.concepts.vectors import concept_vectors as concept_vectors

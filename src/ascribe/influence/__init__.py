"""Training examples behind a prediction: what each did to the loss of a test example."""

from ascribe.influence.curvature import ExactRoot as ExactRoot
from ascribe.influence.curvature import KrylovRoot as KrylovRoot
from ascribe.influence.influence import Influence as Influence
from ascribe.influence.influence_function import InfluenceFunction as InfluenceFunction
from ascribe.influence.last_layer import TracInLastLayer as TracInLastLayer
from ascribe.influence.neighbours import ExactNeighbours as ExactNeighbours
from ascribe.influence.projected import TracInProjected as TracInProjected
from ascribe.influence.ranked import Ranked as Ranked
from ascribe.influence.similarity import SimilarExamples as SimilarExamples
from ascribe.influence.similarity import cosine_similarity as cosine_similarity
from ascribe.influence.similarity import euclidean_distance as euclidean_distance
from ascribe.influence.tracin import TracIn as TracIn

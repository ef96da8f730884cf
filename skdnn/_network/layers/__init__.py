"""The layers of a network as plain data, each defined completely in one small file."""

from skdnn._network.layers.activation import Activate, MixedActivation
from skdnn._network.layers.ascending import Ascending
from skdnn._network.layers.base import KerasContext, Layer, Shape, TrainingSample
from skdnn._network.layers.batch_normalization import BatchNormalization
from skdnn._network.layers.category_embedding import CategoryEmbedding
from skdnn._network.layers.column_transform import ColumnTransform
from skdnn._network.layers.dense import Dense, ScaledDense
from skdnn._network.layers.dropout import Dropout
from skdnn._network.layers.flatten import Flatten
from skdnn._network.layers.learned_scale import LearnedScale
from skdnn._network.layers.members import Mean, Members
from skdnn._network.layers.numeric_embedding import NumericEmbedding
from skdnn._network.layers.one_hot import OneHot
from skdnn._network.layers.parallel import Parallel
from skdnn._network.layers.periodic import Periodic
from skdnn._network.layers.piecewise_linear import PiecewiseLinear
from skdnn._network.layers.scaling import Scaling
from skdnn._network.layers.smooth_clip import SmoothClip

__all__ = [
    "Activate",
    "Ascending",
    "BatchNormalization",
    "CategoryEmbedding",
    "ColumnTransform",
    "Dense",
    "Dropout",
    "Flatten",
    "KerasContext",
    "Layer",
    "LearnedScale",
    "Mean",
    "Members",
    "MixedActivation",
    "NumericEmbedding",
    "OneHot",
    "Parallel",
    "Periodic",
    "PiecewiseLinear",
    "ScaledDense",
    "Scaling",
    "Shape",
    "SmoothClip",
    "TrainingSample",
]

"""Groups that are ready to type."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.core.explain import explain
from ascribe.core.groups import channels, one_hot, patches, superpixels, tokens, windows
from ascribe.errors import InputError
from ascribe.methods import Ablation, Occlusion


@given(channel=st.integers(1, 3), height=st.integers(1, 9), width=st.integers(1, 9), size=st.integers(1, 5))
def test_patches_are_a_grid(channel, height, width, size):
    ids = patches((channel, height, width), size)
    assert ids.shape == (channel, height, width)
    for i in range(height):
        for j in range(width):
            same = (ids[0] == ids[0, i, j]).nonzero().tolist()
            cell = [
                [a, b] for a in range(height) for b in range(width) if (a // size, b // size) == (i // size, j // size)
            ]
            assert same == cell
    assert bool((ids == ids[:1]).all())
    assert sorted(set(ids.flatten().tolist())) == list(range(int(ids.max()) + 1))


def test_patches_are_what_windows_that_do_not_overlap_cover():
    x = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))

    def model(z):
        return z.tanh().sum((1, 2, 3)).square()

    lost = explain(model, x, Ablation(), groups=patches(x.shape[1:], (2, 3))).values
    covered = explain(model, x, Occlusion((2, 3), (2, 3))).values
    torch.testing.assert_close(lost[:, patches((6, 6), (2, 3))], covered[:, 0])


@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=3), length=st.integers(1, 6), data=st.data())
def test_windows_go_along_one_dimension(shape, length, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    ids = windows(shape, length, dim).movedim(dim, 0)
    assert all(bool((ids[k] == k // length).all()) for k in range(len(ids)))


def test_tokens_and_channels():
    assert tokens((3, 2)).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert channels((2, 1, 2)).tolist() == [[[0, 0]], [[1, 1]]]
    assert channels((2, 3), dim=-1).tolist() == [[0, 1, 2], [0, 1, 2]]


def test_one_hot_columns_by_their_prefix():
    names = ["house_type_flat", "house_type_hut", "age", "house_size", "tall"]
    assert one_hot(names) == {"house_type": ["house_type_flat", "house_type_hut"]}
    found = one_hot(names, ["house", "house_type"])
    assert found == {"house": ["house_size"], "house_type": ["house_type_flat", "house_type_hut"]}
    assert one_hot(["c=a", "c=b_c"], separator="=") == {"c": ["c=a", "c=b_c"]}


def test_one_hot_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.get_dummies(pandas.DataFrame({"color": ["red", "blue", "red"], "age": [1.0, 2.0, 4.0]}))
    a = explain(lambda z: z["age"] * z["color_red"], frame, Ablation(), groups=one_hot(frame))
    assert a.names == ("age", "color")
    assert a.values.tolist() == [[1.0, 1.0], [0.0, 0.0], [4.0, 4.0]]


def circle():
    """A bright disc that no line of a grid follows."""
    row, column = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij")
    inside = (row - 17) ** 2 + (column - 23) ** 2 < 150
    return torch.stack([inside.float(), 0.2 * column / 60])


def test_superpixels_follow_what_is_seen():
    image = circle()
    ids = superpixels(image, 24)
    assert ids.shape == (1, 40, 60)
    sizes = ids.flatten().bincount()
    assert 20 <= len(sizes) <= 30
    assert int(sizes.min()) > 0
    inside = torch.zeros(len(sizes)).index_add_(0, ids.flatten(), image[0].flatten()) / sizes
    # Nearly every superpixel lies on one side of the disc's edge; of the grid they began as, many do not.
    mixed = ((inside > 0.1) & (inside < 0.9)).float() @ sizes.float()
    grid = patches((40, 60), 10)
    share = torch.zeros(24).index_add_(0, grid.flatten(), image[0].flatten()) / 100
    assert mixed < 0.05 * 2400
    assert float(((share > 0.1) & (share < 0.9)).float().mean()) > 0.2


def test_superpixels_of_several_images_are_those_of_each():
    images = torch.stack([circle(), circle().flip(2), torch.zeros(2, 40, 60)]).double()
    ids = superpixels(images, 24)
    assert ids.shape == (3, 1, 40, 60)
    for image, own in zip(images, ids, strict=True):
        assert torch.equal(superpixels(image, 24), own)
    a = explain(lambda z: z.square().sum((1, 2, 3)), images, Ablation(), groups=ids)
    torch.testing.assert_close(a.values.sum(1), images.square().sum((1, 2, 3)))


def test_superpixels_are_the_same_brighter_or_in_whole_numbers():
    image = (circle() * 200).round()
    ids = superpixels(image, 24)
    assert torch.equal(superpixels(image / 50 + 3, 24), ids)
    assert torch.equal(superpixels(image.to(torch.uint8), 24), ids)


@pytest.mark.parametrize("count", [1, 7, 10**4])
def test_any_number_of_superpixels(count):
    ids = superpixels(circle(), count)
    assert int(ids.max()) < max(count * 1.5, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: patches((3,), 2), "2 dimensions or more"),
        (lambda: patches((3, 4), 0), "at least 1"),
        (lambda: windows((3, 4), 0), "at least 1"),
        (lambda: windows((3, 4), 1, 2), "dimensions 0..1"),
        (lambda: tokens(()), "1 dimensions or more"),
        (lambda: one_hot(["a_b", "a_c"], ["d"]), "no column begins with 'd_'"),
        (lambda: superpixels(torch.zeros(4, 4)[None] / 0), "NaN"),
        (lambda: superpixels(torch.zeros(1, 4, 4), 0), "above 0"),
        (lambda: superpixels(torch.zeros(1, 0, 4)), "height, width"),
    ],
)
def test_what_cannot_be_done_is_said(make, words):
    with pytest.raises(InputError, match=words):
        make()

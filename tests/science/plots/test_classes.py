"""Pictures of classes show the numbers that were scored."""

import numpy as np

from aiida_mlhull.science.metrics.classes import class_scores
from aiida_mlhull.science.plots.classes import draw_confusion, draw_roc

PROBABILITIES = np.asarray([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.2, 0.8]])
SCORES = class_scores(("no", "yes"), PROBABILITIES, np.asarray([0, 0, 1, 1]))


def test_a_curve_for_each_class_with_its_area():
    axes = draw_roc(SCORES.curves, title="metals").axes[0]
    assert [words.get_text() for words in axes.get_legend().get_texts()] == ["yes, AUC 0.750"]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 0, 0.5, 0.5, 1])
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0, 0.5, 0.5, 1, 1])
    assert axes.get_title() == "metals"


def test_counts_by_true_and_likeliest_class():
    axes = draw_confusion(SCORES).axes[0]
    assert [words.get_text() for words in axes.texts] == ["1", "1", "1", "1"]
    assert [words.get_text() for words in axes.get_yticklabels()] == ["no", "yes"]

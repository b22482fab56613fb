"""Which of two labels is the positive class: columns of the sample, the description, usual words, and what is said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.errors import TaskError
from medalist.competitions.task.infer import infer_task

AUC = "Submissions are evaluated on the area under the ROC curve. "


def inferred(labels, text="", column="answer", target="state", value=0.5, **options):
    train = pd.DataFrame({"key": range(40), "x": np.arange(40) % 7, target: [labels[i % 2] for i in range(40)]})
    test = pd.DataFrame({"key": range(40, 50), "x": np.arange(10) % 7})
    sample = pd.DataFrame({"key": test["key"], column: value})
    return infer_task(little_competition(train, test, sample, text), **options)


TEXTS = {  # description, labels → the positive one
    "class by number": ("Submit the probability of class 1.", [1, 2], 1),
    "class by number in quotes": ("Submit the probability of class '1'.", [1, 2], 1),
    "class 0": ("For each key predict the probability of class 0.", [0, 1], 0),
    "label in brackets": ("Predict the probability that the customer stays (label 0).", [0, 1], 0),
    "the column is": ("Predict the probability that `state` is 1.", [1, 2], 1),
    "the column equals": ("Predict the probability that state = 3.", [3, 8], 3),
    "called positive": ("Class 1 is the positive class.", [1, 2], 1),
    "as the positive": ("The positive class is 4.", [4, 9], 4),
    "positive label in brackets": ("We use the positive label (5).", [5, 6], 5),
    "minus one": ("Predict the probability of class -1.", [-1, 1], -1),
    "P of": ("`answer` is P(state=1).", [1, 2], 1),
    "meaning of a number": ("`state` is 1 for ships that sank and 2 for ships that arrived. "
                            "Predict the probability that a ship sinks or has sank.", [1, 2], 1),
    "equals a meaning": ("1 = churned, 2 = stayed. Predict the probability of churn.", [1, 2], 1),
    "equals the other meaning": ("0 = churned, 1 = stayed. Predict the probability of churn.", [0, 1], 0),
    "meaning in brackets": ("A loan is good (1) or bad (2). Predict the probability that it is bad.", [1, 2], 2),
    "default": ("state: 1 = default, 2 = paid back. Submit the probability of default.", [1, 2], 1),
    "no default": ("1: default, 2: no default. Submit the probability of default.", [1, 2], 1),
    "coded": ("Patients who survived are coded 2, and those who died are coded 1. "
              "Predict the probability that the patient dies.", [1, 2], 1),
    "words": ("Predict the probability that the door is open.", ["closed", "open"], "open"),
    "words against the usual": ("Predict the probability of retained.", ["churned", "retained"], "retained"),
    "a range is no label": ("Predict a probability between 0 and 1 of class 1.", [0, 1], 1),
    "probabilities are no labels": ("Submit a probability; a value of 0 means impossible.", [0, 1], 1),
    "booleans": ("Submit the probability of class False.", [False, True], False),
    "f1 of a class": ("Submissions are evaluated on the F1 score of class 1.", [1, 2], 1),
    "f1 of a word": ("Submissions are evaluated on the F1 score of the bad class.", ["bad", "good"], "bad"),
    "f1 of the class called": ("Submissions are scored by the F1 score of the class Early.", ["Early", "Late"],
                               "Early"),
    "irregular forms": ("Label 0 means that the guest left, label 1 that he stayed. Submit the probability that "
                        "the guest leaves.", [0, 1], 0),
    "dashes": ("1 - relapse, 2 - no relapse. Submit the likelihood of relapse.", [1, 2], 1),
    "a table": ("| value | meaning |\n|---|---|\n| 1 | defaulted |\n| 2 | repaid |\n\nSubmit the probability of "
                "default.", [1, 2], 1),
    "letters": ("Edible = e, poisonous = p. Submit the probability that a mushroom is edible.", ["e", "p"], "e"),
    "a word before": ("Class 1: fraud. Class 2: fair. You submit the fraud probability.", [1, 2], 1),
    "a clause with the label": ("Predict the risk of leaving. Guests with state 1 left; guests with state 2 stayed.",
                                [1, 2], 1),
    "closed or open": ("Whether the valve is closed (1) or open (0). `answer`: probability of open.", [0, 1], 0),
    "that of": ("0 = bad, 1 = fair. The probability to submit is that of bad traffic.", [0, 1], 0),
    "whether one or the other": ("Predict whether a mail is ham (0) or spam (1).", [0, 1], 1),
    "otherwise": ("Predict the probability that it is fraudulent. state is 1 if fraud, 0 otherwise.", [0, 1], 1),
    "a positive test": ("0 = negative, 1 = positive. Submit the probability of a positive test.", [0, 1], 1),
    "a negative review": ("Reviews are 0 (positive reviews) or 1 (negative reviews): predict the probability that "
                          "one is negative.", [0, 1], 1),
    "one rather than the other": ("Predict the probability that state is 1 rather than 0.", [0, 1], 1),
    "two clauses": ("State 0 are healthy people, state 1 are sick ones. What is the risk of being sick?", [0, 1], 1),
    "or not": ("Predict whether a tweet is about a real disaster (1) or not (0), from its text.", [0, 1], 1),
    "or not the other way round": ("Predict the probability that a pump works. It works (0) or not (1).", [0, 1], 0),
    "not the one": ("1: fails, 2: works. Submit the probability that a pump does not work.", [1, 2], 1),
    "whether, without a chance": ("Predict whether the valve is closed. state: 0 = closed, 1 = open.", [0, 1], 1),
    "whether, of other numbers": ("Predict whether the valve is closed. state: 1 = closed, 2 = open.", [1, 2], 1),
    "what 0 means": ("A probability of 0 means that it is sure of the negative class.", [0, 1], 1),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_the_description_says_which_class_is_positive(case):
    text, labels, positive = TEXTS[case]
    value = labels[0] if "F1" in text else 0.5
    task = inferred(labels, text if "F1" in text else f"{text} {AUC}", value=value)
    assert task.problem_type == "binary"
    assert task.classes[-1] == positive
    assert isinstance(task.classes[-1], type(positive))


COLUMNS = {
    "prob_no": (["yes", "no"], "no"),
    "probability_2": ([1, 2], 2),
    "probability_1": ([1, 2], 1),
    "P(0)": ([0, 1], 0),
    "prob_of_7": ([7, 9], 7),
    "state_1": ([1, 2], 1),
    "ProbabilityBad": (["bad", "good"], "bad"),
    "p_late_arrival": (["late arrival", "on time"], "late arrival"),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_column_of_the_sample_is_named_after_the_positive_class(column):
    labels, positive = COLUMNS[column]
    assert inferred(labels, AUC, column=column).classes[-1] == positive


def test_a_column_that_is_named_like_the_target_is_named_after_no_label():
    task = inferred([1, 2], AUC, column="target_1", target="target_1")
    assert task.classes == (1, 2)


def test_numbers_that_nothing_explains_keep_their_order_and_a_note_names_the_flag():
    task = inferred([1, 2], AUC)
    assert task.classes == (1, 2)
    assert any("greater one, 2" in note and "--positive" in note for note in task.notes)
    assert inferred([1, 2], AUC, positive="1").classes == (2, 1)
    for plain in ([0, 1], [-1, 1], [False, True], ["no", "yes"]):
        assert not any("--positive" in note for note in inferred(plain, AUC).notes)


def test_both_classes_in_the_text_decide_nothing():
    text = "Class 1 and class 2 are scored; predict the probability of class 1 or class 2. " + AUC
    assert inferred([1, 2], text).classes == (1, 2)
    with pytest.raises(TaskError, match="name it with --positive"):
        inferred(["oak", "elm"], "Predict the probability of oak or elm. " + AUC)


def test_the_order_does_not_matter_to_accuracy():
    task = inferred(["oak", "elm"], "Submissions are evaluated on classification accuracy.", value="oak")
    assert task.classes == ("elm", "oak")


@settings(deadline=None)
@given(st.sampled_from([(0, 1), (1, 2), (3, 7), (10, 20), ("red", "blue")]), st.booleans())
def test_probabilities_stand_for_the_class_that_was_asked_for(labels, first):
    wanted = labels[0] if first else labels[1]
    task = inferred(list(labels), f"Predict the probability of class {wanted}. " + AUC)
    train = pd.DataFrame({"state": list(labels)})
    assert task.encode(train)[:, 0].tolist() == [float(label == wanted) for label in labels]

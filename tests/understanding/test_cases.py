"""Competitions of the kinds that people report bugs about are understood, and their submissions have the right form."""

from __future__ import annotations

import cases_of_answers
import cases_of_files
import cases_of_layouts
import cases_of_look_alikes
import cases_of_questions
import cases_of_tables
import cases_of_times
import cases_of_values
import pytest
from case import CASES, differences

MODULES = (
    cases_of_answers,
    cases_of_files,
    cases_of_layouts,
    cases_of_look_alikes,
    cases_of_questions,
    cases_of_tables,
    cases_of_times,
    cases_of_values,
)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_understood(tmp_path, name):
    expected = CASES[name].make(tmp_path)
    assert differences(tmp_path / "public", expected) == []

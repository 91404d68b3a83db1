"""Published studies as something to run: what they learned from and found, and ours beside it."""

from aiida_mlhull.science.studies.runs import StudyRun, runs_of
from aiida_mlhull.science.studies.settings import Study, StudyRow, StudyTable
from aiida_mlhull.science.studies.shelf import load_study, study_names

__all__ = ["Study", "StudyRow", "StudyRun", "StudyTable", "load_study", "runs_of", "study_names"]

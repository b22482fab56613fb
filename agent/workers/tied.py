"""Imported by the fork server of a run, which from then on ends with the process that started it."""

from medalist.agent.workers.lifeline import end_with_parent

end_with_parent()

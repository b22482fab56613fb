"""The sections of the report on a run, a module each: `section(contents)` gives the HTML, or None where there is
nothing to say."""

"""One thin module a stage: read, call a core function or two, write one artefact."""

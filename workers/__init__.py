"""Workers: they claim the parts of tasks, compute, commit and report. All heavy work of Loom happens here."""

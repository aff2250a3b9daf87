"""``infogan-fast``: one file per command, its options, and how errors are shown."""

"""The engine on a ground that fails: every crash, repetition and reordering, from a seed."""

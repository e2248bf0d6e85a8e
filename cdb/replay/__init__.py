"""Replays: a file of trades through the same four programs, isolated from the running stack and in lockstep."""

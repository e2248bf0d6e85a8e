"""Replays: a file of trades through the same services, isolated from the running stack and in lockstep."""

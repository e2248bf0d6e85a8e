"""What the System page shows, each part asked for alone: one that is away takes no other with it."""

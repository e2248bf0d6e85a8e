"""Kill parts of a running bot at random moments: what was lost or doubled, and when did decisions return."""

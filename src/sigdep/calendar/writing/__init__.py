"""How commands are carried out: what a decision rests on beyond its own aggregate is looked up here, and held still."""

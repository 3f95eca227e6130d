"""How commands are carried out: which aggregates they load, decide about and record together."""

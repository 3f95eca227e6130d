"""The context of notifications: what people are told, when, and by which ways out."""

"""E-mail, by way of a mail server that takes it (SMTP)."""

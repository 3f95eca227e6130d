"""When things happen again: RFC 5545 and RFC 7529 rules, and series of occurrences. Knows no context and no clock."""

"""iCalendar text (RFC 5545, 7986, 6868) and plain structs, one from the other. Knows no context and no clock."""

"""What passes requests on to programs that are HTTP servers: connections, and how long they may be silent."""

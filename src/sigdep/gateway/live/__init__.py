"""`/api/live`: what happens in a workspace, pushed over a WebSocket, in order, nothing missed and nothing twice."""

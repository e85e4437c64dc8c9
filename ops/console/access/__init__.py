"""Who may see and change what: people and passwords, sessions, signing in, the gate of every request; no screens."""

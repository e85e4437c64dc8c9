"""Who may see and change what: people and passwords, sessions, signing in, the gate every request passes; no screens."""

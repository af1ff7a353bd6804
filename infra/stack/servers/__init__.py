"""Real servers, installed pinned and asked the same: what each can do, and whether the client gets on with it."""

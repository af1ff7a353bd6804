"""The commands of infra/local, a module each with `run(arguments) -> exit code`."""
